# promtool 3.16.0 from the Go module proxy, built once and kept. Source check.sh first.
# shellcheck shell=bash

promtool_into() {
  cd "$1"
  logged go mod init finding
  logged go get github.com/prometheus/prometheus/cmd/promtool@v0.316.0
  logged go build -o promtool github.com/prometheus/prometheus/cmd/promtool
}

# build_promtool: sets PROMTOOL to the path of the program.
build_promtool() {
  need go
  cached promtool-3.16.0 promtool_into
  PROMTOOL=$CACHED/promtool
  export PROMTOOL
}
