#!/usr/bin/env bash
# Takes down what deploy.sh brought up: the whole resource group, with all data in it, for good. Not yet run.
#
#   k8s/aks/destroy.sh RESOURCE_GROUP
set -euo pipefail

if [[ $# -ne 1 ]]; then
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
group=$1
az resource list --resource-group "$group" --query '[].{type: type, name: name}' --output table
read -r -p "Everything above is deleted with all its data. Name the resource group to go on: " typed
if [[ "$typed" != "$group" ]]; then
  echo 'destroy: nothing was deleted' >&2
  exit 1
fi
az group delete --name "$group" --yes
