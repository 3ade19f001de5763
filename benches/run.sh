#!/usr/bin/env bash
# Prints the table of how fast traces are read, with the machine named. Arguments choose rows by a part of their names.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --locked --quiet --no-run --bench read
printf '%s, %s cores, %s; %s; %s\n\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -1)" "$(getconf _NPROCESSORS_ONLN)" \
  "$(uname -sr)" "$(rustc --version)" "$(git log -1 --format='commit %h')"
cargo bench --locked --quiet --bench read -- "$@"
