# A Dapr sidecar from the Go module proxy, for findings that need one. Source it after check.sh.
# shellcheck shell=bash

DAPR_VERSION=1.18.2

# Builds Dapr's own programs into the folder $1. This takes eight minutes on two cores if Go has none of the modules compiled.
build_dapr() {
  local module=$1/module source
  # `go install` refuses modules that replace others, so the module is copied and built as the main module.
  source=$(go mod download -json "github.com/dapr/dapr@v$DAPR_VERSION" | node -p 'JSON.parse(fs.readFileSync(0)).Dir')
  cp -r --no-preserve=mode "$source" "$module"
  (cd "$module" && logged go build -trimpath -tags allcomponents -o "$1" ./cmd/daprd ./cmd/placement ./cmd/scheduler)
  rm -rf "$module"
}

# start_daprd: starts a sidecar with workflows and its state in memory, and sets DAPR_HTTP_PORT and DAPR_GRPC_PORT.
start_daprd() {
  need go node
  cached "dapr-$DAPR_VERSION" build_dapr
  local programs=$CACHED internal daprd_metrics
  local placement placement_health placement_metrics raft
  local scheduler scheduler_health scheduler_metrics etcd_client etcd_peer
  read -r DAPR_HTTP_PORT DAPR_GRPC_PORT internal daprd_metrics placement placement_health placement_metrics raft \
    scheduler scheduler_health scheduler_metrics etcd_client etcd_peer <<<"$(free_ports 13)"
  export DAPR_HTTP_PORT DAPR_GRPC_PORT
  mkdir "$TEMP/resources"
  cat >"$TEMP/resources/state.yaml" <<EOF
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: state
spec:
  type: state.in-memory
  version: v1
  metadata:
    - name: actorStateStore
      value: 'true'
EOF
  cat >"$TEMP/config.yaml" <<EOF
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: findings
spec:
  nameResolution:
    component: sqlite
    version: v1
    configuration:
      connectionString: '$TEMP/names.db'
EOF
  background placement "$programs/placement" --listen-address 127.0.0.1 --port "$placement" \
    --healthz-port "$placement_health" --metrics-listen-address 127.0.0.1 --metrics-port "$placement_metrics" \
    --id placement-0 --initial-cluster "placement-0=127.0.0.1:$raft"
  background scheduler "$programs/scheduler" --listen-address 127.0.0.1 --port "$scheduler" \
    --healthz-port "$scheduler_health" --metrics-listen-address 127.0.0.1 --metrics-port "$scheduler_metrics" \
    --etcd-data-dir "$TEMP/scheduler" --etcd-client-port "$etcd_client" --etcd-client-listen-address 127.0.0.1 \
    --id dapr-scheduler-server-0 --etcd-initial-cluster "dapr-scheduler-server-0=http://127.0.0.1:$etcd_peer" \
    --override-broadcast-host-port "127.0.0.1:$scheduler" --identity-directory-write "$TEMP/identity"
  wait_until 60 placement url_ok "http://127.0.0.1:$placement_health/healthz"
  wait_until 60 scheduler url_ok "http://127.0.0.1:$scheduler_health/healthz"
  DAPR_HOST_IP=127.0.0.1 background daprd "$programs/daprd" --app-id findings --dapr-listen-addresses 127.0.0.1 \
    --dapr-http-port "$DAPR_HTTP_PORT" --dapr-grpc-port "$DAPR_GRPC_PORT" \
    --dapr-internal-grpc-port "$internal" --dapr-internal-grpc-listen-address 127.0.0.1 \
    --metrics-listen-address 127.0.0.1 --metrics-port "$daprd_metrics" \
    --placement-host-address "127.0.0.1:$placement" --scheduler-host-address "127.0.0.1:$scheduler" \
    --resources-path "$TEMP/resources" --config "$TEMP/config.yaml"
  wait_until 60 daprd url_ok "http://127.0.0.1:$DAPR_HTTP_PORT/v1.0/healthz/outbound"
}

# url_ok URL: whether a GET answers with a status of 2xx.
url_ok() {
  node -e 'fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' "$1"
}
