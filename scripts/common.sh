# Shared by the scripts of this folder; sourced, not run. Plain bash 5.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# The release whose package list fits: 12 or 13, or nothing.
debian_release() {
  [ -r /etc/os-release ] || return 0
  (
    . /etc/os-release
    case "${ID:-}:${VERSION_CODENAME:-}:${VERSION_ID:-}" in
      debian:bookworm:* | debian:*:12) echo 12 ;;
      debian:trixie:* | debian:*:13) echo 13 ;;
    esac
  )
}

packages_of() { grep -v '^#' "$root/scripts/packages/debian-$1.txt" | grep -v '^$'; }

# Compilers of one job take up to 1.5 GiB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# logged NAME COMMAND...: output goes to build/logs/NAME.log; while it runs, its last line is shown
# now and then; when it fails, its end is shown. The exit code is the command's.
logged() {
  local name=$1 log status=0 pid shown=
  shift
  mkdir -p "$logs"
  log=$logs/$name.log
  say "$name …"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  local waited=0
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    waited=$((waited + 1))
    if [ $((waited % 15)) -eq 0 ]; then
      shown=$(tail -c 400 "$log" | tr '\r' '\n' | grep -v '^ *$' | tail -1 | cut -c1-100 || true)
      say "$name: $shown"
    fi
  done
  wait "$pid" || status=$?
  if [ "$status" -ne 0 ]; then
    say "$name FAILED (exit code $status); the end of $log:"
    grep -nE 'error:|FAILED|\*\*\*Failed|ERROR: |Failure$' "$log" | head -40 || true
    tail -60 "$log"
  fi
  return "$status"
}

# configure PRESET [OPTION...], once per state of the options.
configure() {
  local preset=$1
  shift
  logged "$preset-configure" cmake -S "$root" --preset "$preset" "$@"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  logged "$preset-build" cmake --build "$root/build/$preset" -j "$(build_jobs)" "${targets[@]}"
}
