#!/bin/bash
# Holds a GPU against what is expected of it. README.md beside this file says more.
#
#   verify.sh pack              here: builds, and packs all that is needed into benchmarks/target/gpu/part1, part2, ...
#   verify.sh add PART TO       there, for each part: takes it in
#   verify.sh run TO [OUT]      there: unpacks, measures, and writes OUT/gpu-DATE.json (OUT is TO/results by default)
#   verify.sh check OUT         here, unpacked or not: measures what was built, with nothing packed
#
# Environment of pack:
#   CUDA=13     ONNX Runtime for CUDA 13 (org.bytedeco:onnxruntime), 12 (com.microsoft.onnxruntime:onnxruntime_gpu),
#               or none: for the CPU, which tries this script
#   ARCH=90     the compute capability whose GPU code is kept; 90 is Hopper
#   PART=61900000     the most bytes of a part, its scripts aside
#   MVN=mvn     how Maven is called
# Environment of run and check:
#   SCALE=1           how long figures are measured; 0.1 tries the checks
#   ONLY=             checks to make, as in G4,G6; all if it is empty
#   NATIVES=          a directory that CudaNatives has put CUDA's libraries into, if they come from there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

maven() { ${MVN:-mvn} -q -B "$@"; }

# a Maven artifact, fetched if need be; this version of the plugin reads no POM, whose parent need not be there
artifact() { # into a directory: group artifact version classifier
  mkdir -p "$1"
  (cd "$1" && maven org.apache.maven.plugins:maven-dependency-plugin:2.8:get -Dtransitive=false \
    -Dartifact="$2:$3:$4:jar${5:+:$5}" -Ddest="$1/$3.jar" >&2)
  echo "$1/$3.jar"
}

natives() { # into a directory, by way of another
  local cpu version=1.28.0 jar
  cpu=$(artifact "$2" com.microsoft.onnxruntime onnxruntime $version)
  unzip -q -o -j "$cpu" '*/linux-x64/libonnxruntime4j_jni.so' -d "$1" # the same for CPU and CUDA
  case ${CUDA:-13} in
    none) unzip -q -o -j "$cpu" '*/linux-x64/libonnxruntime.so' -d "$1" ;;
    12)
      jar=$(artifact "$2" com.microsoft.onnxruntime onnxruntime_gpu $version)
      unzip -q -o -j "$jar" '*/linux-x64/libonnxruntime*.so' -x '*tensorrt*' -d "$1" ;;
    13)
      jar=$(artifact "$2" org.bytedeco onnxruntime $version-1.5.14 linux-x86_64-gpu)
      unzip -q -o -j "$jar" '*/libonnxruntime.so.1' '*/libonnxruntime_providers_cuda.so' \
        '*/libonnxruntime_providers_shared.so' -d "$1"
      mv "$1/libonnxruntime.so.1" "$1/libonnxruntime.so" ;;
    *) echo "CUDA is 12, 13 or none, found ${CUDA}" >&2; exit 2 ;;
  esac
}

# the classes without the libraries of other systems and without models
thin() { # jar to jar
  python3 - "$1" "$2" <<'P'
import re
import sys
import zipfile
drop = re.compile(r'.*\.(so(\.[0-9.]+)?|dll|dylib|jnilib|a|onnx|gz)|pytorch/.*|native/.*')
keep = re.compile(r'com/sun/jna/linux-x86-64/.*|dev/flywheel/.*')
with zipfile.ZipFile(sys.argv[1]) as source, zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        if keep.fullmatch(name) or not drop.fullmatch(name):
            target.writestr(name, source.read(name))
P
}

pack() {
  local root work n=0 file size k part=${PART:-61900000} jdk
  root=$(cd "$here/../.." && pwd); work=$root/benchmarks/target/gpu
  jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
  # Whoever has built it already leaves this out by BUILT=1.
  [ -n "${BUILT:-}" ] || (cd "$root" && maven -Pbenchmarks -pl benchmarks -am package -DskipTests)
  rm -rf "$work"; mkdir -p "$work"/{all/native,fetched,jars,packed}
  natives "$work/fetched" "$work/jars"
  for file in "$work"/fetched/*; do
    if readelf -SW "$file" 2>/dev/null | grep -q nv_fatbin; then
      python3 "$here/prune.py" "$file" "$work/all/native/$(basename "$file")" "${ARCH:-90}"
    else
      cp "$file" "$work/all/native/"
    fi
  done
  thin "$root/benchmarks/target/benchmarks.jar" "$work/all/benchmarks.jar"
  "$jdk/bin/jlink" --add-modules java.base,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml,jdk.httpserver,jdk.jfr,jdk.management,jdk.unsupported \
    --strip-debug --no-header-files --no-man-pages --output "$work/all/jre"
  (cd "$root" && git rev-parse --short HEAD) > "$work/all/commit"
  (cd "$work/all" && find . -type f | sort | xargs sha256sum) > "$work/SHA256SUMS"
  mv "$work/SHA256SUMS" "$work/all/"
  tar --sort=name --owner=0 --group=0 -C "$work/all" -cf - . \
    | xz -T0 -c --x86 --lzma2=preset="${PRESET:-9}",dict=96MiB | split -b "$part" -d -a 3 - "$work/packed/all.tar.xz."
  for file in "$work"/packed/*; do
    n=$((n + 1)); mkdir "$work/part$n"
    mv "$file" "$work/part$n/"
    cp "$here/verify.sh" "$here/torch_baseline.py" "$work/part$n/"
    du -bs "$work/part$n"
  done
  rm -rf "$work"/{fetched,jars,packed,all}
  echo "$n parts in $work"
}

add() { # part to
  mkdir -p "$2/packed"
  cp "$1"/all.tar.xz.* "$2/packed/"
  cp "$1"/verify.sh "$1"/torch_baseline.py "$2/"
}

unpack() { # to
  [ -d "$1/packed" ] || return 0
  if command -v xz > /dev/null; then cat "$1"/packed/* | xz -dc
  else cat "$1"/packed/* | python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer, 1 << 20)'
  fi | tar x -C "$1"
  (cd "$1" && sha256sum --quiet -c SHA256SUMS)
  rm -rf "$1/packed"
}

# where Python's wheels and the toolkit have CUDA's libraries
cuda_libraries() {
  python3 - <<'P' 2> /dev/null || true
import glob
import os
import site
import sys
found = []
for place in site.getsitepackages() + sys.path:
    found += glob.glob(os.path.join(place, 'nvidia', '*', 'lib')) + glob.glob(os.path.join(place, 'torch', 'lib'))
found += [p for p in ('/usr/local/cuda/lib64', '/usr/local/nvidia/lib64', '/usr/local/nvidia/lib') if os.path.isdir(p)]
print(':'.join(dict.fromkeys(found)))
P
}

measure() { # java, class path, directory of natives or nothing, out
  local heap=1g torch
  [ ! -e /dev/nvidiactl ] || heap=8g
  mkdir -p "$4"; torch=$(mktemp)
  python3 "$here/torch_baseline.py" > "$torch" || echo '{}' > "$torch"
  export MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 CUDA_DEVICE_ORDER=PCI_BUS_ID ORT_DISABLE_TELEMETRY=1
  LD_LIBRARY_PATH=$(cuda_libraries)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}${3:+:$3}
  export LD_LIBRARY_PATH
  # A heap that is there from the start: what grows is not the heap.
  "$1" -Xms$heap -Xmx$heap -XX:+AlwaysPreTouch ${3:+-Donnxruntime.native.path="$3"} -Dai.djl.offline=true \
    ${COMMIT:+"-Dflywheel.benchmarks.commit=$COMMIT"} -cp "$2" dev.flywheel.benchmarks.Main gpu --torch "$torch" --seconds "${SCALE:-1}" --only "${ONLY:-}" \
    --natives "${NATIVES:-}" --out "$4"
  rm -f "$torch"
}

case ${1:-} in
  pack) pack ;;
  add) add "$2" "$3" ;;
  run)
    to=$(cd "$2" && pwd)
    unpack "$to"
    COMMIT=$(cat "$to/commit")
    measure "$to/jre/bin/java" "$to/benchmarks.jar" "$to/native" "${3:-$to/results}" ;;
  check) measure "${JAVA_HOME:+$JAVA_HOME/bin/}java" "$here/../target/benchmarks.jar" "" "$2" ;;
  *) sed -n '2,/^set/p' "$0" | sed '/^set/d; s/^# \{0,1\}//'; exit 2 ;;
esac
