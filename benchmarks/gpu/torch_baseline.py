#!/usr/bin/env python3
"""torch_baseline.py [SECONDS]: what PyTorch gives on this machine's GPU, as JSON on standard output, for the models and
sizes of the benchmarks' command `gpu`. Without PyTorch or a GPU that is {} and the reason on standard error.
With --cpu everything is tried on the CPU in small sizes, and means nothing."""
import json
import sys
import time

SECONDS = float(next((a for a in sys.argv[1:] if not a.startswith('-')), 3))
TRY = '--cpu' in sys.argv
try:
    import torch
    import torch.nn.functional as F
    from torch import nn
    if not TRY and not torch.cuda.is_available():
        raise ImportError('torch.cuda.is_available() is false')
except ImportError as e:
    print(f'PyTorch measures nothing here: {e}', file=sys.stderr)
    print('{}')
    sys.exit(0)
DEVICE = 'cpu' if TRY else 'cuda'
HALF = torch.float32 if TRY else torch.float16
figures = {'torch': torch.__version__}


def sync():
    if not TRY:
        torch.cuda.synchronize()


def pinned(tensor):
    return tensor if TRY else tensor.pin_memory()


def rate(step, units, warm=5):
    """Units a second."""
    for _ in range(warm):
        step()
    sync()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        for _ in range(warm):
            step()
        done += warm * units
        sync()
    return done / (time.perf_counter() - start)


def note(name, measure):
    try:
        figures[name] = round(measure(), 4)
        print(name, figures[name], file=sys.stderr, flush=True)
    except Exception as e:  # one figure less, not none
        print(name, 'is not measured:', e, file=sys.stderr, flush=True)


def from_host(net, rows, *shape):
    """Rows a second of float32 rows in page-locked memory, copied, run and copied back, on three streams."""
    ins = [pinned(torch.randn(rows, *shape)) for _ in range(3)]
    outs = [None] * 3
    streams = [None if TRY else torch.cuda.Stream() for _ in range(3)]
    turn = [0]
    dtype = next(net.parameters()).dtype

    def one(i):
        y = net(ins[i].to(DEVICE, non_blocking=True).to(dtype))
        outs[i] = pinned(torch.empty(y.shape, dtype=y.dtype)) if outs[i] is None else outs[i]
        outs[i].copy_(y, non_blocking=True)

    def step():
        turn[0] = (turn[0] + 1) % 3
        if TRY:
            one(turn[0])
        else:
            with torch.cuda.stream(streams[turn[0]]):
                one(turn[0])

    with torch.inference_mode():
        return rate(step, rows)


def mlp(*widths):
    layers = []
    for i in range(len(widths) - 1):
        layers += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Encoder(nn.Module):
    """As GpuModels.transformer has it."""

    def __init__(self, size, heads, layers):
        super().__init__()
        self.heads = heads
        self.layers = nn.ModuleList(nn.ModuleDict({
            'n1': nn.LayerNorm(size), 'q': nn.Linear(size, size), 'k': nn.Linear(size, size),
            'v': nn.Linear(size, size), 'o': nn.Linear(size, size), 'n2': nn.LayerNorm(size),
            'up': nn.Linear(size, 4 * size), 'down': nn.Linear(4 * size, size)}) for _ in range(layers))
        self.norm, self.out = nn.LayerNorm(size), nn.Linear(size, 8)

    def forward(self, x):
        b, t, d = x.shape
        for m in self.layers:
            n = m['n1'](x)
            q, k, v = (m[p](n).view(b, t, self.heads, -1).transpose(1, 2) for p in 'qkv')
            if hasattr(F, 'scaled_dot_product_attention'):
                a = F.scaled_dot_product_attention(q, k, v)
            else:
                a = torch.softmax(q @ k.transpose(2, 3) / q.shape[-1] ** 0.5, -1) @ v
            x = x + m['o'](a.transpose(1, 2).reshape(b, t, d))
            x = x + m['down'](F.relu(m['up'](m['n2'](x))))
        return self.out(self.norm(x).mean(1))


def ceilings():
    n = 256 if TRY else 8192
    a = torch.randn(n, n, device=DEVICE, dtype=HALF)
    note('matmul_fp16_tflops', lambda: rate(lambda: a @ a, 2 * n ** 3) / 1e12)
    size = 1 << (16 if TRY else 28)
    here, there = torch.empty(size, device=DEVICE), torch.empty(size, device=DEVICE)
    note('d2d_read_and_write_gb_per_s', lambda: rate(lambda: there.copy_(here), 8 * size) / 1e9)
    host = torch.randn(size // 4)
    note('h2d_pageable_gb_per_s', lambda: rate(lambda: there[:size // 4].copy_(host), size) / 1e9)
    locked = pinned(host)
    note('h2d_pinned_gb_per_s', lambda: rate(lambda: there[:size // 4].copy_(locked, non_blocking=True), size) / 1e9)


def models():
    width, rows = (32, 8) if TRY else (4096, 8192)
    m1 = mlp(1024, *[width] * 8, 16).to(DEVICE, HALF).eval()
    note('m1_eager_pinned_rows_per_s', lambda: from_host(m1, rows, 1024))
    if not TRY:
        note('m1_compile_pinned_rows_per_s', lambda: from_host(
            torch.compile(m1, mode='max-autotune-no-cudagraphs'), rows, 1024))
    del m1
    size, heads, layers, rows, tokens = (16, 4, 1, 4, 8) if TRY else (768, 12, 12, 256, 128)
    encoder = Encoder(size, heads, layers).to(DEVICE, HALF).eval()
    note('transformer_eager_pinned_rows_per_s', lambda: from_host(encoder, rows, tokens, size))
    del encoder
    small = mlp(64, 256, 256, 16).to(DEVICE).eval()
    note('m2_eager_pinned_rows_per_s', lambda: from_host(small, 64 if TRY else 65536, 64))
    row, times = torch.randn(1, 64), []
    with torch.inference_mode():
        for _ in range(300 if TRY else 3000):
            start = time.perf_counter()
            small(row.to(DEVICE)).cpu()
            times.append(time.perf_counter() - start)
    times = sorted(times[len(times) // 10:])
    note('m_small_batch1_p50_ms', lambda: 1e3 * times[len(times) // 2])
    note('m_small_batch1_p99_ms', lambda: 1e3 * times[len(times) * 99 // 100])


def training():
    rows, hidden, steps = (16, 32, 20) if TRY else (4096, 8192, 300)
    net = mlp(64, hidden, hidden, 1).to(DEVICE)
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    x, y = torch.randn(rows, 64, device=DEVICE), torch.randn(rows, 1, device=DEVICE)

    def step():
        adam.zero_grad()
        F.mse_loss(net(x), y).backward()
        adam.step()

    for _ in range(20):
        step()
    sync()
    start = time.perf_counter()
    for _ in range(steps - 20 if steps > 20 else steps):
        step()
    sync()
    return (steps - 20 if steps > 20 else steps) / (time.perf_counter() - start)


# As ONNX Runtime and DJL: float32 is float32.
torch.backends.cuda.matmul.allow_tf32 = False
ceilings()
models()
note('train_4096_8192_steps_per_s', training)
print(json.dumps({} if TRY else figures, indent=2))
