#!/usr/bin/env bash
# Deploys Windrow on AKS: Azure resources, the operators that the manifests need, the image, and the manifests. Running
# it again updates everything. Not yet run on Azure.
#
#   k8s/aks/deploy.sh RESOURCE_GROUP LOCATION ADMIN_GROUP_ID VIEWER_GROUP_ID
#
# Needs az (logged in), kubelogin, kubectl, helm and kustomize. The resources cost money until destroy.sh deletes them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ $# -ne 4 ]]; then
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
group=$1 location=$2 admins=$3 viewers=$4
missing=()
for program in az kubelogin kubectl helm kustomize node; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'deploy: missing: %s\n' "${missing[*]}" >&2
  exit 1
fi
version=$(node -p 'require("./package.json").version')

say() { printf 'deploy: %s\n' "$*"; }

say "resource group $group in $location"
az group create --name "$group" --location "$location" --output none

say 'cluster, database, registry, monitoring (20 minutes the first time)'
az deployment group create --resource-group "$group" --name windrow --template-file k8s/aks/main.bicep \
  --parameters "adminGroupIds=[\"$admins\"]" "viewerGroupId=$viewers" --output none
output() {
  az deployment group show --resource-group "$group" --name windrow --query "properties.outputs.$1.value" --output tsv
}
cluster=$(output clusterName)
registry=$(output registryName)
server=$(output registryServer)

say "image windrow:$version, built by $registry"
az acr build --registry "$registry" --image "windrow:$version" --file Dockerfile . --output none
digest=$(az acr repository show --name "$registry" --image "windrow:$version" --query digest --output tsv)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export KUBECONFIG="$work/kubeconfig"
az aks get-credentials --resource-group "$group" --name "$cluster" --file "$KUBECONFIG"
kubelogin convert-kubeconfig -l azurecli

# The namespace admits only pods of the pod security standard `restricted`; Strimzi's pods comply only with this setting.
say 'Strimzi, and the custom resources of the Prometheus Operator'
helm upgrade --install strimzi oci://quay.io/strimzi-helm/strimzi-kafka-operator --version 0.49.0 \
  --namespace strimzi --create-namespace --set watchAnyNamespace=true \
  --set 'extraEnvs[0].name=STRIMZI_POD_SECURITY_PROVIDER_CLASS' --set 'extraEnvs[0].value=restricted' --wait
helm upgrade --install prometheus-crds oci://ghcr.io/prometheus-community/charts/prometheus-operator-crds --version 24.0.1 --wait

# Values of this deployment, on top of the overlay. The folder must be next to the overlay: kustomize rejects absolute paths.
mkdir -p build/aks
cat >build/aks/kustomization.yaml <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../k8s/overlays/aks]
images:
  - name: windrow
    newName: $server/windrow
    digest: $digest
patches:
  - target: { kind: ServiceAccount, name: windrow }
    patch: |-
      - op: replace
        path: /metadata/annotations/azure.workload.identity~1client-id
        value: $(output identityClientId)
  - target: { kind: Component, name: statestore }
    patch: |-
      - op: test
        path: /spec/metadata/0/name
        value: connectionString
      - op: replace
        path: /spec/metadata/0/value
        value: host=$(output postgresHost) port=5432 user=$(output identityName) dbname=windrow sslmode=require
YAML
kustomize build build/aks | kubectl apply --server-side --filename -
kubectl --namespace windrow wait kafka/kafka --for=condition=Ready --timeout=15m
kubectl --namespace windrow rollout status deployment/processor --timeout=10m
say "up. Dashboards: $(output grafanaUrl)"
