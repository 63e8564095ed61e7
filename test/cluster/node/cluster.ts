/**
 * A Kubernetes cluster with one node, in a sandbox: control plane, kubelet, containerd, kube-proxy and DNS. Programs outside
 * of the sandbox neither reach it nor see its containers.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ran } from '../../containers/commands.ts'
import { removeCgroups } from '../../containers/cgroups.ts'
import { Sandbox } from '../../containers/sandbox.ts'
import * as programs from './control-plane.ts'
import { Pki } from './pki.ts'

/** Settings of the whole machine that kubelet changes. */
const MACHINE_SETTINGS = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops']
const CGROUP_NAMES = ['kubepods', 'k8s.io']
const POLL_MS = 250
const START_WITHIN_MS = 300_000

export interface ClusterParts {
  /** Folder with the programs of Kubernetes and etcd. */
  readonly bin: string
  /** Archive with the images of all pods. */
  readonly images: string
  /** The path of kube-router, which enforces network policies. */
  readonly kubeRouter: string
}

export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'windrow-node-'))
  readonly sandbox: Sandbox
  readonly #parts: ClusterParts
  readonly #settings: ReadonlyMap<string, string>
  #pki!: Pki

  private constructor(sandbox: Sandbox, parts: ClusterParts) {
    this.sandbox = sandbox
    this.#parts = parts
    this.#settings = new Map(MACHINE_SETTINGS.map((name) => [name, readFileSync(`/proc/sys/${name}`, 'utf8')]))
  }

  static async start(parts: ClusterParts): Promise<Cluster> {
    const cluster = new Cluster(await Sandbox.create(), parts)
    try {
      await cluster.#start()
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  async #start(): Promise<void> {
    const { folder, sandbox } = this
    const ip = (...args: string[]): Promise<string> => sandbox.output('ip', args)
    // A bridge with the node's address, and a default route that leads nowhere.
    await ip('link', 'add', 'node0', 'type', 'bridge')
    await ip('addr', 'add', `${programs.NODE_ADDRESS}/24`, 'dev', 'node0')
    await ip('link', 'set', 'node0', 'up')
    await ip('route', 'add', 'default', 'via', '10.250.0.254', 'dev', 'node0')
    await sandbox.output('sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
    // Programs that the test runs inside find pods and services by name.
    writeFileSync(
      join(folder, 'resolv.conf'),
      `nameserver ${programs.NODE_ADDRESS}\nsearch svc.cluster.local cluster.local\n`,
    )
    await sandbox.output('mount', ['--bind', join(folder, 'resolv.conf'), '/etc/resolv.conf'])

    for (const name of ['keys', 'logs', 'containerd', 'kubelet']) mkdirSync(join(folder, name))
    this.#pki = await Pki.create(join(folder, 'keys'))
    await programs.issueAll(this.#pki)
    this.#launch(programs.etcd(folder))
    this.#launch(programs.apiServer(this.#pki))
    await this.until('the API server is ready', async () => (await this.tryKubectl('get', '--raw=/readyz')).code === 0)
    this.#launch(programs.controllerManager(this.#pki))
    this.#launch(programs.scheduler(this.#pki))
    this.#launch(programs.containerd(folder), 'containerd')
    await this.until('containerd is ready', async () => (await this.#ctr('version')).code === 0)
    const imported = await this.#ctr('images', 'import', this.#parts.images)
    if (imported.code !== 0) throw new Error(`the images were not imported: ${imported.stderr}`)
    this.#launch(programs.kubelet(folder, this.#pki))
    this.#launch(programs.proxy(folder, this.#pki))
    await this.#serveNames()
    await this.until('the node is registered', async () => (await this.tryKubectl('get', 'node', 'node1')).code === 0)
    await this.kubectl('wait', 'node/node1', '--for=condition=Ready', '--timeout=300s')
    // It ends unless the node exists.
    this.#launch(programs.firewall(this.#pki), this.#parts.kubeRouter)
  }

  /** DNS at the address that kubelet gives to pods: a Service without a selector, behind which the node answers. */
  async #serveNames(): Promise<void> {
    const ports = ['UDP', 'TCP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 53, protocol }))
    const metadata = { name: 'kube-dns', namespace: 'kube-system' }
    await this.apply(
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: programs.DNS_ADDRESS, ports } },
      {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports },
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kube-dns' } },
        endpoints: [{ addresses: [programs.NODE_ADDRESS], conditions: { ready: true } }],
      },
    )
    const script = join(import.meta.dirname, 'dns.mjs')
    const args = [programs.NODE_ADDRESS, programs.API_SERVER, this.#pki.folder, join(this.folder, 'hosts')]
    this.#launch({ name: 'dns', args: [script, ...args] }, process.execPath)
  }

  #launch({ name, args }: programs.Program, path = join(this.#parts.bin, name)): void {
    const log = openSync(join(this.folder, 'logs', `${name}.log`), 'a')
    const [program, all] = this.sandbox.enter(path, args)
    const child = spawn(program, all, { cwd: this.folder, stdio: ['ignore', log, log] })
    closeSync(log)
    child.once('error', (error) => this.#ended.push(`${name}: ${error.message}`))
    child.once('exit', (code) => this.#ended.push(`${name} ended with ${code}:\n${this.log(name)}`))
  }

  readonly #ended: string[] = []

  /** The end of a program's log. */
  log(name: string, lines = 20): string {
    return readFileSync(join(this.folder, 'logs', `${name}.log`), 'utf8')
      .split('\n')
      .slice(-lines)
      .join('\n')
  }

  #ctr(...args: readonly string[]): Promise<Ran> {
    const socket = programs.socketOf(this.folder)
    return this.sandbox.run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args])
  }

  async until(
    what: string,
    holds: () => Promise<boolean>,
    { withinMs = START_WITHIN_MS, pollMs = POLL_MS }: { readonly withinMs?: number; readonly pollMs?: number } = {},
  ): Promise<void> {
    const untilMs = performance.now() + withinMs
    while (!(await holds())) {
      if (this.#ended.length > 0) throw new Error(`${what}: not before ${this.#ended.join('\n')}`)
      if (performance.now() > untilMs) throw new Error(`${what}: not within ${withinMs} ms`)
      await delay(pollMs)
    }
  }

  /** The path of the administrator's kubeconfig. */
  get kubeconfig(): string {
    return this.#pki.file('admin.conf')
  }

  tryKubectl(...args: readonly string[]): Promise<Ran> {
    return this.sandbox.run(join(this.#parts.bin, 'kubectl'), args, { env: { KUBECONFIG: this.kubeconfig } })
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.sandbox.output(join(this.#parts.bin, 'kubectl'), args, { env: { KUBECONFIG: this.kubeconfig } })
  }

  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '--output=json')) as T
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.applyText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
  }

  async applyText(text: string): Promise<void> {
    const args = ['apply', '--server-side', '--force-conflicts', '--filename=-']
    const options = { env: { KUBECONFIG: this.kubeconfig }, input: text }
    await this.sandbox.output(join(this.#parts.bin, 'kubectl'), args, options)
  }

  /** Ends everything, and restores the machine. */
  async stop(): Promise<void> {
    await this.sandbox.end()
    for (const [name, value] of this.#settings) writeFileSync(`/proc/sys/${name}`, value)
    removeCgroups(CGROUP_NAMES)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
