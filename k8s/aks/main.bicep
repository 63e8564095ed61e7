// Windrow on AKS: cluster with Dapr and KEDA, PostgreSQL with Entra authentication, a registry, managed Prometheus and
// Grafana. No password or key is created: pods and people authenticate with Entra. deploy.sh deploys it.
//
// Not yet run on Azure and not compiled: only a parser has checked its syntax.
targetScope = 'resourceGroup'

@description('Prefix of all names.')
@minLength(3)
@maxLength(12)
param name string = 'windrow'

param location string = resourceGroup().location

@description('Three for three zones. The processors of the overlay's size/ must fit, and three brokers beside them.')
@minValue(3)
param nodeCount int = 3
param nodeSize string = 'Standard_D8ds_v5'
param kubernetesVersion string = '1.34'

@description('Who may administer the cluster: object ids of Entra groups.')
param adminGroupIds array

@description('Viewers of the dashboards: object id of an Entra group.')
param viewerGroupId string

@description('Version of the Dapr extension: the newest patch. Windrow is tested with 1.18.2, which has known security gaps.')
param daprVersion string = '1.18.7'

param postgresSku string = 'Standard_D4ds_v5'
param postgresStorageGb int = 256

var suffix = uniqueString(resourceGroup().id)
var nodeSubnet = '10.40.0.0/20'
// Also used in k8s/overlays/aks/network.yaml.
var postgresSubnet = '10.40.16.0/24'

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: '${name}-net'
  location: location
  properties: {
    addressSpace: { addressPrefixes: ['10.40.0.0/16'] }
    subnets: [
      { name: 'nodes', properties: { addressPrefix: nodeSubnet } }
      {
        name: 'postgres'
        properties: {
          addressPrefix: postgresSubnet
          delegations: [
            { name: 'postgres', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }
          ]
        }
      }
    ]
  }
}

// The identity of the sidecars for PostgreSQL, bound only to the service account windrow/windrow.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-processor'
  location: location

  resource federation 'federatedIdentityCredentials' = {
    name: 'processor'
    properties: {
      issuer: cluster.properties.oidcIssuerProfile.issuerURL
      subject: 'system:serviceaccount:windrow:windrow'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

resource clusterIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-cluster'
  location: location
}

resource networkContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(network.id, clusterIdentity.id, 'network')
  scope: network
  properties: {
    principalId: clusterIdentity.properties.principalId
    principalType: 'ServicePrincipal'
    // Network Contributor
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4d97b98b-1d4f-4787-a291-c67834d212e7')
  }
}

resource cluster 'Microsoft.ContainerService/managedClusters@2025-02-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${clusterIdentity.id}': {} }
  }
  dependsOn: [networkContributor]
  properties: {
    dnsPrefix: name
    kubernetesVersion: kubernetesVersion
    disableLocalAccounts: true
    enableRBAC: true
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: adminGroupIds }
    oidcIssuerProfile: { enabled: true }
    securityProfile: { workloadIdentity: { enabled: true } }
    workloadAutoScalerProfile: { keda: { enabled: true } }
    azureMonitorProfile: { metrics: { enabled: true } }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      // Cilium enforces the network policies and encrypts traffic between nodes.
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      podCidr: '10.244.0.0/16'
      advancedNetworking: { enabled: true, security: { enabled: true, transitEncryption: { type: 'WireGuard' } } }
    }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    agentPoolProfiles: [
      {
        name: 'nodes'
        mode: 'System'
        count: nodeCount
        minCount: nodeCount
        maxCount: nodeCount * 4
        enableAutoScaling: true
        vmSize: nodeSize
        osSKU: 'AzureLinux'
        osDiskType: 'Ephemeral'
        availabilityZones: ['1', '2', '3']
        vnetSubnetID: '${network.id}/subnets/nodes'
        upgradeSettings: { maxSurge: '33%' }
      }
    ]
  }
}

resource dapr 'Microsoft.KubernetesConfiguration/extensions@2023-05-01' = {
  name: 'dapr'
  scope: cluster
  properties: {
    extensionType: 'microsoft.dapr'
    autoUpgradeMinorVersion: false
    releaseTrain: 'Stable'
    version: daprVersion
    scope: { cluster: { releaseNamespace: 'dapr-system' } }
    configurationSettings: {
      'global.ha.enabled': 'true'
      'global.mtls.enabled': 'true'
      // For the namespace's pod security standard `restricted`.
      'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true'
      // Dapr's scheduler stores the reminders of workflows: three members, each with its own disk.
      'dapr_scheduler.cluster.storageSize': '32Gi'
      'dapr_scheduler.cluster.storageClassName': 'managed-csi-premium'
    }
  }
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: '${name}${suffix}'
  location: location
  sku: { name: 'Premium' }
  properties: { adminUserEnabled: false, anonymousPullEnabled: false, zoneRedundancy: 'Enabled' }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, cluster.id, 'pull')
  scope: registry
  properties: {
    principalId: cluster.properties.identityProfile.kubeletidentity.objectId
    principalType: 'ServicePrincipal'
    // AcrPull
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')
  }
}

resource postgresZone 'Microsoft.Network/privateDnsZones@2020-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'

  resource link 'virtualNetworkLinks' = {
    name: 'net'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
}

resource postgres 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: '${name}-${suffix}'
  location: location
  dependsOn: [postgresZone::link]
  sku: { name: postgresSku, tier: 'GeneralPurpose' }
  properties: {
    version: '16'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: postgresStorageGb, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 14, geoRedundantBackup: 'Enabled' }
    // The standby receives every write before it is acknowledged, so no acknowledged write is lost.
    highAvailability: { mode: 'ZoneRedundant' }
    network: {
      delegatedSubnetResourceId: '${network.id}/subnets/postgres'
      privateDnsZoneArmResourceId: postgresZone.id
    }
  }

  // Dapr creates its own tables, so its identity owns the database.
  resource owner 'administrators' = {
    name: identity.properties.principalId
    properties: { principalName: identity.name, principalType: 'ServicePrincipal', tenantId: tenant().tenantId }
  }

  resource database 'databases' = {
    name: 'windrow'
    dependsOn: [owner]
  }
}

resource prometheus 'Microsoft.Monitor/accounts@2023-04-03' = {
  name: '${name}-metrics'
  location: location
}

resource scrape 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: '${name}-prometheus'
  location: location
  kind: 'Linux'
  properties: {
    dataSources: {
      prometheusForwarder: [{ name: 'prometheus', streams: ['Microsoft-PrometheusMetrics'], labelIncludeFilter: {} }]
    }
    destinations: { monitoringAccounts: [{ name: 'account', accountResourceId: prometheus.id }] }
    dataFlows: [{ streams: ['Microsoft-PrometheusMetrics'], destinations: ['account'] }]
  }
}

resource scrapeCluster 'Microsoft.Insights/dataCollectionRuleAssociations@2023-03-11' = {
  name: 'prometheus'
  scope: cluster
  properties: { dataCollectionRuleId: scrape.id }
}

resource grafana 'Microsoft.Dashboard/grafana@2023-09-01' = {
  name: take('${name}-${suffix}', 23)
  location: location
  sku: { name: 'Standard' }
  identity: { type: 'SystemAssigned' }
  properties: {
    apiKey: 'Disabled'
    grafanaIntegrations: { azureMonitorWorkspaceIntegrations: [{ azureMonitorWorkspaceResourceId: prometheus.id }] }
  }
}

resource grafanaReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(prometheus.id, grafana.id, 'read')
  scope: prometheus
  properties: {
    principalId: grafana.identity.principalId
    principalType: 'ServicePrincipal'
    // Monitoring Data Reader
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b0d8363b-8ddd-447d-831f-62ca05bff136')
  }
}

resource viewers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(grafana.id, viewerGroupId, 'view')
  scope: grafana
  properties: {
    principalId: viewerGroupId
    principalType: 'Group'
    // Grafana Viewer
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '60921a7e-fef1-4a43-9b16-a26c52ad4769')
  }
}

output clusterName string = cluster.name
output registryName string = registry.name
output registryServer string = registry.properties.loginServer
output identityClientId string = identity.properties.clientId
output identityName string = identity.name
output postgresHost string = postgres.properties.fullyQualifiedDomainName
output grafanaUrl string = grafana.properties.endpoint
