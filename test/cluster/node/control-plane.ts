/** The programs of a Kubernetes cluster with one node, each with its configuration, in the order in which they start. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pki } from './pki.ts'

export const NODE_ADDRESS = '10.250.0.1'
export const DNS_ADDRESS = '10.96.0.10'
export const API_SERVER = `https://${NODE_ADDRESS}:6443`
const SERVICE_ADDRESSES = '10.96.0.0/16'
const POD_ADDRESSES = '10.244.0.0/24'
const ETCD = 'http://127.0.0.1:2379'
const ETCD_PEER = 'http://127.0.0.1:2380'

export interface Program {
  readonly name: string
  readonly args: readonly string[]
}

const flags = (all: Readonly<Record<string, string>>): string[] =>
  Object.entries(all).map(([name, value]) => `--${name}=${value}`)

/** Certificates and kubeconfig files of all programs, and of an administrator: NAME.conf in the folder of the keys. */
export async function issueAll(pki: Pki): Promise<void> {
  const services = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ]
  await pki.issue('api', 'kube-apiserver', [], [...services, NODE_ADDRESS, '10.96.0.1'])
  const users: [name: string, user: string, groups?: string[]][] = [
    ['admin', 'admin', ['system:masters']],
    ['controller-manager', 'system:kube-controller-manager'],
    ['scheduler', 'system:kube-scheduler'],
    ['node', 'system:node:node1', ['system:nodes']],
    ['proxy', 'system:kube-proxy'],
  ]
  for (const [name, user, groups] of users) {
    await pki.issue(name, user, groups)
    pki.kubeconfig(name, API_SERVER)
  }
}

export function etcd(folder: string): Program {
  const args = flags({
    'data-dir': join(folder, 'etcd'),
    ...{ 'listen-client-urls': ETCD, 'advertise-client-urls': ETCD },
    ...{ 'listen-peer-urls': ETCD_PEER, 'initial-advertise-peer-urls': ETCD_PEER },
    'initial-cluster': `default=${ETCD_PEER}`,
    'unsafe-no-fsync': 'true',
    'log-level': 'warn',
  })
  return { name: 'etcd', args }
}

export function apiServer(pki: Pki): Program {
  const args = flags({
    'etcd-servers': ETCD,
    ...{ 'advertise-address': NODE_ADDRESS, 'bind-address': NODE_ADDRESS, 'secure-port': '6443' },
    ...{ 'tls-cert-file': pki.file('api.crt'), 'tls-private-key-file': pki.file('api.key') },
    'client-ca-file': pki.file('ca.crt'),
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-signing-key-file': pki.file('service-accounts.key'),
    'service-account-key-file': pki.file('service-accounts.key'),
    'service-cluster-ip-range': SERVICE_ADDRESSES,
    ...{ 'kubelet-client-certificate': pki.file('admin.crt'), 'kubelet-client-key': pki.file('admin.key') },
    'kubelet-preferred-address-types': 'InternalIP',
    'allow-privileged': 'true',
    // For the aggregated API of KEDA's metrics.
    'requestheader-client-ca-file': pki.file('ca.crt'),
    'requestheader-allowed-names': '',
    'requestheader-username-headers': 'X-Remote-User',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    ...{ 'proxy-client-cert-file': pki.file('admin.crt'), 'proxy-client-key-file': pki.file('admin.key') },
    'enable-aggregator-routing': 'true',
  })
  return { name: 'kube-apiserver', args }
}

export function controllerManager(pki: Pki): Program {
  const config = pki.file('controller-manager.conf')
  const args = flags({
    ...{ kubeconfig: config, 'authentication-kubeconfig': config, 'authorization-kubeconfig': config },
    'service-account-private-key-file': pki.file('service-accounts.key'),
    'root-ca-file': pki.file('ca.crt'),
    'use-service-account-credentials': 'true',
    'leader-elect': 'false',
    ...{ 'cluster-signing-cert-file': pki.file('ca.crt'), 'cluster-signing-key-file': pki.file('ca.key') },
  })
  return { name: 'kube-controller-manager', args }
}

export function scheduler(pki: Pki): Program {
  const config = pki.file('scheduler.conf')
  const all = { kubeconfig: config, 'authentication-kubeconfig': config, 'authorization-kubeconfig': config }
  return { name: 'kube-scheduler', args: flags({ ...all, 'leader-elect': 'false' }) }
}

export const socketOf = (folder: string): string => join(folder, 'containerd/c.sock')

export function containerd(folder: string): Program {
  const networks = join(folder, 'networks')
  mkdirSync(networks, { recursive: true })
  const bridge = {
    ...{ type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true },
    ipam: {
      ...{ type: 'host-local', ranges: [[{ subnet: POD_ADDRESSES }]], routes: [{ dst: '0.0.0.0/0' }] },
      dataDir: join(folder, 'addresses'),
    },
  }
  const plugins = [bridge, { type: 'portmap', capabilities: { portMappings: true } }]
  writeFileSync(join(networks, '10-bridge.conflist'), JSON.stringify({ cniVersion: '1.0.0', name: 'windrow', plugins }))
  const config = join(folder, 'containerd.toml')
  writeFileSync(
    config,
    `version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${socketOf(folder)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, scores below the present one cannot be set.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`,
  )
  return { name: 'containerd', args: ['--config', config] }
}

export function kubelet(folder: string, pki: Pki): Program {
  const config = join(folder, 'kubelet.json')
  writeFileSync(
    config,
    JSON.stringify({
      ...{ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' },
      ...{ address: NODE_ADDRESS, healthzBindAddress: '127.0.0.1', registerNode: true, maxPods: 60 },
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: pki.file('ca.crt') },
      },
      authorization: { mode: 'Webhook' },
      ...{ cgroupDriver: 'cgroupfs', failCgroupV1: false, failSwapOn: false },
      // How soon a pod sees a secret that is created after it, which KEDA waits for.
      syncFrequency: '10s',
      containerRuntimeEndpoint: `unix://${socketOf(folder)}`,
      ...{ clusterDNS: [DNS_ADDRESS], clusterDomain: 'cluster.local', resolvConf: '/dev/null' },
      // The machine's disk and memory are shared: nothing is evicted because of them.
      evictionHard: {
        ...{ 'memory.available': '1Mi', 'nodefs.available': '0%' },
        ...{ 'imagefs.available': '0%', 'nodefs.inodesFree': '0%' },
      },
      ...{ imageGCHighThresholdPercent: 100, imageGCLowThresholdPercent: 99 },
      ...{ volumePluginDir: join(folder, 'plugins'), podLogsDir: join(folder, 'pod-logs') },
    }),
  )
  const args = flags({
    ...{ config, kubeconfig: pki.file('node.conf'), 'hostname-override': 'node1', 'node-ip': NODE_ADDRESS },
    ...{ 'root-dir': join(folder, 'kubelet'), 'cert-dir': join(folder, 'kubelet/pki') },
  })
  return { name: 'kubelet', args }
}

export function proxy(folder: string, pki: Pki): Program {
  const config = join(folder, 'proxy.json')
  writeFileSync(
    config,
    JSON.stringify({
      ...{ apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'nftables' },
      ...{ clientConnection: { kubeconfig: pki.file('proxy.conf') }, hostnameOverride: 'node1' },
      clusterCIDR: '10.244.0.0/16',
      // Settings of the machine that the proxy would change.
      conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
  )
  return { name: 'kube-proxy', args: [`--config=${config}`] }
}

/** kube-router without routes and services: it only enforces network policies. */
export function firewall(pki: Pki): Program {
  const args = flags({
    kubeconfig: pki.file('admin.conf'),
    'hostname-override': 'node1',
    ...{ 'run-firewall': 'true', 'run-router': 'false', 'run-service-proxy': 'false', 'run-loadbalancer': 'false' },
    'service-cluster-ip-range': SERVICE_ADDRESSES,
  })
  return { name: 'kube-router', args }
}
