# What every finding needs; source it first. It gives the script a temp folder, which is removed at the end together with
# all processes that the script started, and compares what is seen with what is expected.
# Files in this folder: check.sh (this one), broker.sh (a Kafka broker, with read-until.cjs), maven.sh (libraries for Java),
# daprd.sh (a Dapr sidecar with workflows), promtool.sh (Prometheus' promtool), worker.sh (the worker of the JavaScript
# workflow SDK, without a sidecar).
# shellcheck shell=bash
set -euo pipefail

# Kept between runs: programs that take minutes to build.
FINDINGS_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/windrow-findings
TEMP=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
FINDING=$(basename "$0" .sh)
background_pids=()

end_of_script() {
  local status=$?
  trap - EXIT
  for pid in "${background_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$TEMP"
  exit "$status"
}
trap end_of_script EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fail SENTENCE...: ends the script with an error.
fail() {
  printf '%s: %s\n' "$FINDING" "$*" >&2
  exit 1
}

# need PROGRAM...: ends the script if a program is not installed.
need() {
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "$program is not installed; findings/README.md lists what each finding needs"
  done
}

# logged COMMAND...: runs a command and shows its output only if it fails.
logged() {
  "$@" >"$TEMP/last.log" 2>&1 || {
    tail -n 40 "$TEMP/last.log" >&2
    fail "this command failed: $*"
  }
}

# npm_install NAME@VERSION...: installs packages into the temp folder, which becomes the current folder.
npm_install() {
  need node npm
  cd "$TEMP"
  [ -f package.json ] || echo '{ "private": true }' >package.json
  logged npm install --save-exact --no-audit --no-fund --loglevel=error "$@"
}

# pip_install NAME==VERSION...: installs packages into a virtual environment of the temp folder. Run "$TEMP/venv/bin/python".
pip_install() {
  need python3
  cd "$TEMP"
  [ -d venv ] || logged python3 -m venv venv
  logged venv/bin/pip install --quiet --disable-pip-version-check "$@"
}

# cached NAME FUNCTION: sets CACHED to the folder NAME of the cache. If it does not exist, FUNCTION fills it, with the path
# of the folder as its argument. The folder is filled under another name, so it is complete or absent.
cached() {
  CACHED=$FINDINGS_CACHE/$1
  [ -d "$CACHED" ] && return
  mkdir -p "$FINDINGS_CACHE"
  local unfinished status
  unfinished=$(mktemp -d "$FINDINGS_CACHE/.unfinished.XXXXXX")
  # Not part of a condition: bash would ignore `set -e` in the function.
  set +e
  (
    set -e
    trap - EXIT
    "$2" "$unfinished"
  )
  status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    rm -rf "$unfinished"
    fail "$1 could not be built"
  fi
  mv -T "$unfinished" "$CACHED" 2>/dev/null || rm -rf "$unfinished"
}

# free_ports COUNT: prints TCP ports of 127.0.0.1 that are free now, separated by spaces.
free_ports() {
  node -e '
    const net = require("node:net")
    const servers = Array.from({ length: Number(process.argv[1]) }, () => net.createServer())
    Promise.all(servers.map((one) => new Promise((done) => one.listen(0, "127.0.0.1", done)))).then(() => {
      console.log(servers.map((one) => one.address().port).join(" "))
      for (const one of servers) one.close()
    })' "$1"
}

# background NAME COMMAND...: starts a program that ends with the script. Its output goes to $TEMP/NAME.log.
background() {
  local name=$1
  shift
  "$@" >"$TEMP/$name.log" 2>&1 </dev/null &
  background_pids+=($!)
}

# wait_until SECONDS NAME COMMAND...: repeats a command until it succeeds; shows the end of $TEMP/NAME.log if it never does.
wait_until() {
  local deadline=$((SECONDS + $1)) name=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      tail -n 20 "$TEMP/$name.log" >&2
      fail "$name is not ready"
    fi
    sleep 0.2
  done
}

# expect COMMAND...: compares the command's standard output with the text on standard input. Ends the script with the
# difference if they are not equal, or if the command fails or takes longer than 300 s.
expect() {
  cat >"$TEMP/expected.txt"
  local status=0
  timeout "${FINDING_SECONDS:-300}" "$@" >"$TEMP/seen.txt" 2>"$TEMP/errors.txt" </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$TEMP/seen.txt" "$TEMP/errors.txt" >&2
    fail "this command ended with status $status: $*"
  fi
  if ! diff -u --label expected --label seen "$TEMP/expected.txt" "$TEMP/seen.txt" >&2; then
    fail 'the finding does not hold any more (the difference is above)'
  fi
  cat "$TEMP/seen.txt"
}

# holds SENTENCE...: the last line of every finding.
holds() {
  printf 'finding holds: %s\n' "$*"
}
