// The archive in Azure: blobs in a storage account, catalogue and jobs in PostgreSQL, API and workers as container apps that sign in to the storage by a
// managed identity, Front Door over the container for downloads.
//   az deployment group create -g RESOURCE-GROUP -f infra/azure/main.bicep -p image=REGISTRY/btf-archive:1.0 postgresPassword=...
param location string = resourceGroup().location

@description('Prefix of names; letters and digits, since the storage account is among them.')
@minLength(3)
@maxLength(11)
param name string = 'btfarchive'

@description('The image that infra/container/Containerfile makes.')
param image string

@secure()
param postgresPassword string

@description('Extractors at most; each has two cores.')
param maxExtractors int = 20

var container = 'btf-archive'
var suffix = uniqueString(resourceGroup().id)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-workers'
  location: location
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: '${name}${suffix}'
  location: location
  sku: { name: 'Standard_ZRS' }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: true // The keys folder is an Azure Files share, which container apps mount by key.
    allowBlobPublicAccess: true // What is published is public; only the container below is opened.
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: { deleteRetentionPolicy: { enabled: true, days: 30 } }
}

resource archive 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: container
  properties: { publicAccess: 'Blob' }
}

resource files 'Microsoft.Storage/storageAccounts/fileServices@2023-05-01' = {
  parent: storage
  name: 'default'
}

resource keys 'Microsoft.Storage/storageAccounts/fileServices/shares@2023-05-01' = {
  parent: files
  name: 'keys'
  properties: { shareQuota: 1 }
}

// Blob data contributor, and delegator for links by SAS.
resource roles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
]: {
  name: guid(storage.id, identity.id, role)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource postgres 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: '${name}-${suffix}'
  location: location
  sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' }
  properties: {
    version: '16'
    administratorLogin: 'archive'
    administratorLoginPassword: postgresPassword
    storage: { storageSizeGB: 64, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 14, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: 'ZoneRedundant' }
  }
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: postgres
  name: 'archive'
}

// Container apps have no fixed address here.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = {
  parent: postgres
  name: 'azure'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: { retentionInDays: 30, sku: { name: 'PerGB2018' } }
}

resource apps 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: '${name}-apps'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: { customerId: logs.properties.customerId, sharedKey: logs.listKeys().primarySharedKey }
    }
  }
}

resource keysMount 'Microsoft.App/managedEnvironments/storages@2024-03-01' = {
  parent: apps
  name: 'keys'
  properties: {
    azureFile: { accountName: storage.name, accountKey: storage.listKeys().keys[0].value, shareName: keys.name, accessMode: 'ReadWrite' }
  }
}

var secrets = [
  { name: 'catalogue', value: 'Host=${postgres.properties.fullyQualifiedDomainName};Database=archive;Username=archive;Password=${postgresPassword};Ssl Mode=VerifyFull' }
  { name: 'password', value: postgresPassword }
]
var settings = [
  { name: 'Catalogue', value: 'postgres' }
  { name: 'ConnectionStrings__Catalogue', secretRef: 'catalogue' }
  { name: 'Blobs', value: 'azure' }
  { name: 'ConnectionStrings__Blobs', value: storage.properties.primaryEndpoints.blob }
  { name: 'Azure__Container', value: container }
  { name: 'Azure__ClientId', value: identity.properties.clientId }
]
var probes = [
  { type: 'Startup', httpGet: { path: '/health/live', port: 8080 }, periodSeconds: 2, failureThreshold: 60 }
  { type: 'Liveness', httpGet: { path: '/health/live', port: 8080 }, periodSeconds: 10, timeoutSeconds: 5 }
  { type: 'Readiness', httpGet: { path: '/health/ready', port: 8080 }, periodSeconds: 5, timeoutSeconds: 5 }
]

resource api 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'api'
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    environmentId: apps.id
    configuration: { secrets: secrets, ingress: { external: true, targetPort: 8080, transport: 'auto' } }
    template: {
      terminationGracePeriodSeconds: 90
      containers: [
        {
          name: 'api'
          image: image
          resources: { cpu: json('1.0'), memory: '2Gi' }
          env: concat(settings, [
            { name: 'Roles__Crawler', value: 'false' }
            { name: 'Roles__Extractor', value: 'false' }
            { name: 'Azure__Redirect', value: 'https://${edge.properties.hostName}/${container}' }
          ])
          probes: probes
          volumeMounts: [{ volumeName: 'keys', mountPath: '/data/keys' }]
        }
      ]
      volumes: [{ name: 'keys', storageType: 'AzureFile', storageName: keysMount.name }]
      scale: { minReplicas: 2, maxReplicas: 20, rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '100' } } }] }
    }
  }
}

resource crawler 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'crawler'
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    environmentId: apps.id
    configuration: { secrets: secrets }
    template: {
      containers: [
        {
          name: 'crawler'
          image: image
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(settings, [{ name: 'Roles__Api', value: 'false' }, { name: 'Roles__Extractor', value: 'false' }])
          probes: probes
        }
      ]
      scale: { minReplicas: 1, maxReplicas: 1 }
    }
  }
}

resource extractor 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'extractor'
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    environmentId: apps.id
    configuration: { secrets: secrets }
    template: {
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: 'extractor'
          image: image
          resources: { cpu: json('2.0'), memory: '4Gi' }
          env: concat(settings, [{ name: 'Roles__Api', value: 'false' }, { name: 'Roles__Crawler', value: 'false' }])
          probes: probes
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: maxExtractors
        rules: [
          {
            name: 'waiting'
            custom: {
              type: 'postgresql'
              metadata: {
                host: postgres.properties.fullyQualifiedDomainName
                port: '5432'
                userName: 'archive'
                dbName: 'archive'
                sslmode: 'require'
                query: 'SELECT COUNT(*) FROM qrtz_triggers WHERE job_group = \'extract\''
                targetQueryValue: '20'
              }
              auth: [{ secretRef: 'password', triggerParameter: 'password' }]
            }
          }
        ]
      }
    }
  }
}

resource frontDoor 'Microsoft.Cdn/profiles@2024-02-01' = {
  name: '${name}-cdn'
  location: 'global'
  sku: { name: 'Standard_AzureFrontDoor' }
}

resource edge 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: frontDoor
  name: '${name}-${suffix}'
  location: 'global'
}

resource origins 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = {
  parent: frontDoor
  name: 'blobs'
  properties: { loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3 } }
}

resource origin 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = {
  parent: origins
  name: 'storage'
  properties: {
    hostName: '${storage.name}.blob.${environment().suffixes.storage}'
    originHostHeader: '${storage.name}.blob.${environment().suffixes.storage}'
  }
}

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = {
  parent: edge
  name: 'archive'
  dependsOn: [origin]
  properties: {
    originGroup: { id: origins.id }
    patternsToMatch: ['/${container}/*']
    supportedProtocols: ['Https']
    httpsRedirect: 'Disabled'
    linkToDefaultDomain: 'Enabled'
    cacheConfiguration: { queryStringCachingBehavior: 'IgnoreQueryString' }
  }
}

output api string = 'https://${api.properties.configuration.ingress.fqdn}'
output downloads string = 'https://${edge.properties.hostName}/${container}'
