#!/usr/bin/env bash
# Prints the tables of docs/performance.md, with the machine named. `benches/run.sh` measures everything, in half an hour (most of it compiling, as users' programs are) and on an
# otherwise idle machine; `benches/run.sh read jaeger` the rows of reading whose names have `jaeger`, `benches/run.sh system waiting` the
# whole processes that wait (cold, http, traces, waiting, receiving), `benches/run.sh scale` how cost grows, `benches/run.sh size` what is built.
# nginx and hurl 8.0.1 (`cargo install hurl --version 8.0.1`; HURL names its binary) are used where they are; rows say so where not.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
[ $# -gt 0 ] && shift
wants() { [ "$what" = all ] || [ "$what" = "$1" ]; }

printf '%s, %s cores, %s GiB; %s; %s; %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1)" "$(getconf _NPROCESSORS_ONLN)" \
  "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo 2>/dev/null)" "$(uname -sr)" "$(rustc --version)" "$(git log -1 --format='commit %h')"

if wants system; then
  # By one profile: cargo builds the program for this bench as well, and what it had built for users would be gone.
  system=$(cargo bench --profile release --locked --no-run --bench system 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
  printf '\n| work | target | measured |\n|---|---|---|\n'
  python3 benches/system.py "${CARGO_TARGET_DIR:-target}/release/tracespec" "$system" "$@"
fi
if wants read; then
  cargo bench --profile release --locked --quiet --no-run --bench read
  printf '\n'
  cargo bench --profile release --locked --quiet --bench read -- "$@"
fi
if wants scale; then
  cargo bench --profile release --locked --quiet --no-run --bench scale
  printf '\n'
  cargo bench --profile release --locked --quiet --bench scale
fi
if wants size; then
  # What a user of the library compiles, by features, and a clean build of what users install in a folder of its own.
  units() { cargo tree --locked --package tracespec -e normal,build --prefix none --format '{p}' "$@" | sed 's/ (.*$//' | sort -u | wc -l; }
  printf '\n| features | packages |\n|---|---|\n'
  printf '| none | %s |\n' "$(units --no-default-features)"
  for feature in receiver backends; do
    printf '| %s | %s |\n' "\`$feature\`" "$(units --no-default-features --features $feature)"
  done
  printf '| `run`, the default | %s |\n\n' "$(units)"
  build=$(mktemp -d)
  trap 'rm -rf "$build"' EXIT
  TIMEFORMAT='A clean release build takes %U s of CPU (%R s); '
  time CARGO_TARGET_DIR=$build cargo build --release --locked --quiet --bin tracespec
  printf 'the program has %s MiB.\n' "$(awk -v bytes="$(stat -c %s "$build/release/tracespec")" 'BEGIN { printf "%.1f", bytes / 1048576 }')"
fi
