#!/usr/bin/env bash
# Permanently deletes everything that deploy.sh created: the whole resource group, with all its data. Not yet run on Azure.
#
#   k8s/aks/destroy.sh RESOURCE_GROUP
set -euo pipefail

if [[ $# -ne 1 ]]; then
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
group=$1
az resource list --resource-group "$group" --query '[].{type: type, name: name}' --output table
read -r -p "Everything above will be deleted with all its data. Type the name of the resource group to continue: " typed
if [[ "$typed" != "$group" ]]; then
  echo 'destroy: nothing was deleted' >&2
  exit 1
fi
az group delete --name "$group" --yes
