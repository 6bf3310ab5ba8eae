#!/usr/bin/env python3
"""prune.py IN OUT ARCH: a copy of a library without the GPU code that a chip of compute capability ARCH (90 is Hopper)
cannot run. What is left out is zeroed, so that every offset stays as it was, and compresses to nothing."""
import mmap
import shutil
import struct
import sys

MAGIC = 0xBA55ED50
PTX, CUBIN = 1, 2


def fat_sections(elf):
    """Where in the file the sections with GPU code are."""
    table, = struct.unpack_from('<Q', elf, 0x28)
    size, count, names_at = struct.unpack_from('<HHH', elf, 0x3A)
    headers = [struct.unpack_from('<IIQQQQ', elf, table + i * size) for i in range(count)]
    names = headers[names_at][4]
    for header in headers:
        start = names + header[0]
        if elf[start:elf.find(b'\0', start)] in (b'.nv_fatbin', b'__nv_relfatbin'):
            yield header[4], header[5]


def containers(elf, at, size):
    """The entries of each container in a section: kind, architecture, where the code is, how long."""
    end = at + size
    while at + 16 <= end:
        magic, _, header, length = struct.unpack_from('<IHHQ', elf, at)
        if magic != MAGIC:
            at += 8  # padding
            continue
        entries, entry, stop = [], at + header, at + header + length
        while entry + 64 <= stop:
            kind, _, head, code = struct.unpack_from('<HHIQ', elf, entry)
            if head == 0:
                break
            arch, = struct.unpack_from('<I', elf, entry + 28)
            entries.append((kind, arch, entry + head, code))
            entry += head + code
        yield entries
        at = stop


def needed(entries, arch):
    """Machine code for the chip, or else the newest intermediate code that it can translate."""
    own = [e for e in entries if e[0] == CUBIN and e[1] // 10 == arch // 10 and e[1] <= arch]
    usable = own or [e for e in entries if e[0] == PTX and e[1] <= arch]
    newest = max((e[1] for e in usable), default=None)
    return {e[2] for e in usable if e[1] == newest}


def main():
    source, target, arch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    shutil.copyfile(source, target)
    kept = dropped = 0
    with open(target, 'r+b') as file, mmap.mmap(file.fileno(), 0) as elf:
        for at, size in list(fat_sections(elf)):
            for entries in list(containers(elf, at, size)):
                wanted = needed(entries, arch)
                for kind, _, code, length in entries:
                    if code in wanted or kind not in (PTX, CUBIN):
                        kept += length
                    else:
                        elf[code:code + length] = bytes(length)
                        dropped += length
    print(f'{source}: {kept >> 20} MiB of GPU code kept, {dropped >> 20} MiB left out')


main()
