/**
 * A Kubernetes API server with its etcd, on free ports of 127.0.0.1, in a folder of its own. There is no node and no
 * controller: it validates, admits and stores objects, and runs none.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../telemetry/exposition.ts'
import { controlPlanePrograms } from './builds.ts'

/** What the API server answers: an object, or a `Status` with the message of a refusal. */
export interface Answer {
  readonly status: number
  readonly body: {
    readonly message?: string
    readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[]
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null }
  }
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

const POLL_MS = 50

export class ApiServer {
  readonly #folder: string
  readonly #processes: ChildProcess[]
  readonly #port: number
  readonly #token: string
  readonly #certificate: string
  readonly #resources = new Map<string, NonNullable<Answer['body']['resources']>>()

  private constructor(folder: string, processes: ChildProcess[], port: number, token: string, certificate: string) {
    this.#folder = folder
    this.#processes = processes
    this.#port = port
    this.#token = token
    this.#certificate = certificate
  }

  static async start(): Promise<ApiServer> {
    const programs = await controlPlanePrograms()
    const folder = mkdtempSync(join(tmpdir(), 'windrow-cluster-'))
    const [etcd, etcdPeer, port] = [await freePort(), await freePort(), await freePort()]
    const processes: ChildProcess[] = []
    const start = (program: string, flags: Readonly<Record<string, string>>): ChildProcess => {
      const log = openSync(join(folder, `${program}.log`), 'a')
      const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
      const child = spawn(join(programs, program), args, { cwd: folder, stdio: ['ignore', log, log] })
      processes.push(child)
      return child
    }
    try {
      start('etcd', {
        'data-dir': join(folder, 'etcd'),
        'listen-client-urls': `http://127.0.0.1:${etcd}`,
        'advertise-client-urls': `http://127.0.0.1:${etcd}`,
        'listen-peer-urls': `http://127.0.0.1:${etcdPeer}`,
        'initial-advertise-peer-urls': `http://127.0.0.1:${etcdPeer}`,
        'initial-cluster': `default=http://127.0.0.1:${etcdPeer}`,
        'unsafe-no-fsync': 'true',
        'log-level': 'warn',
      })
      const token = randomBytes(16).toString('hex')
      writeFileSync(join(folder, 'tokens.csv'), `${token},test,test,"system:masters"\n`, { mode: 0o600 })
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const key = join(folder, 'service-accounts.pem')
      writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
      const server = start('kube-apiserver', {
        'etcd-servers': `http://127.0.0.1:${etcd}`,
        'bind-address': '127.0.0.1',
        'advertise-address': '127.0.0.1',
        'secure-port': `${port}`,
        'cert-dir': join(folder, 'certificates'),
        'token-auth-file': join(folder, 'tokens.csv'),
        'authorization-mode': 'RBAC',
        'service-account-issuer': 'https://kubernetes.default.svc',
        'service-account-key-file': key,
        'service-account-signing-key-file': key,
        'service-cluster-ip-range': '10.96.0.0/24',
        // No controller creates the default service accounts and the certificates that this plugin waits for.
        'disable-admission-plugins': 'ServiceAccount',
      })
      const certificate = join(folder, 'certificates/apiserver.crt')
      for (;;) {
        const ended = processes.find((one) => one.exitCode !== null || one.signalCode !== null)
        if (ended !== undefined) throw new Error(`${ended.spawnfile} ended:\n${lastLines(folder, ended)}`)
        const api = await connect(folder, processes, port, token, certificate)
        if (api !== null) return api
        await delay(POLL_MS)
        if (server.pid === undefined) await once(server, 'error')
      }
    } catch (error) {
      await stopAll(processes)
      rmSync(folder, { recursive: true, force: true })
      throw error
    }

    /** `null` until the server is ready. */
    async function connect(...args: [string, ChildProcess[], number, string, string]): Promise<ApiServer | null> {
      try {
        const [own, children, atPort, secret, file] = args
        const api = new ApiServer(own, children, atPort, secret, readFileSync(file, 'utf8'))
        return (await api.send('GET', '/readyz')).status === 200 ? api : null
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(code)) return null
        throw error
      }
    }
  }

  async stop(): Promise<void> {
    await stopAll(this.#processes)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  send(method: string, path: string, body?: object, contentType = 'application/json'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = {
        ...{ host: '127.0.0.1', port: this.#port, method, path, ca: this.#certificate },
        headers: { authorization: `Bearer ${this.#token}`, accept: 'application/json', 'content-type': contentType },
      }
      const sent = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.once('error', reject)
        response.once('end', () => {
          const isJson = response.headers['content-type']?.startsWith('application/json') ?? false
          resolve({ status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as Answer['body']) : {} })
        })
      })
      sent.once('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** Applies an object as `kubectl apply --server-side --validate=strict` does; a dry run stores nothing. */
  async apply(object: KubernetesObject, options: { readonly dryRun: boolean }): Promise<Answer> {
    const query = new URLSearchParams({ fieldManager: 'windrow-test', fieldValidation: 'Strict', force: 'true' })
    if (options.dryRun) query.set('dryRun', 'All')
    const path = `${await this.pathOf(object)}?${query.toString()}`
    return this.send('PATCH', path, object, 'application/apply-patch+yaml')
  }

  async pathOf({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    let resources = this.#resources.get(root)
    if (resources === undefined) {
      const { status, body } = await this.send('GET', root)
      if (status !== 200 || body.resources === undefined) throw new Error(`the API server does not know ${apiVersion}`)
      resources = body.resources
      this.#resources.set(root, resources)
    }
    const resource = resources.find((one) => one.kind === kind && !one.name.includes('/'))
    if (resource === undefined) throw new Error(`the API server does not know the kind ${kind} of ${apiVersion}`)
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
    return `${root}${namespace}/${resource.name}/${metadata.name}`
  }

  /** Stores a custom resource definition and resolves when its resources are served. */
  async define(definition: KubernetesObject): Promise<void> {
    const { status, body } = await this.apply(definition, { dryRun: false })
    if (status >= 300) throw new Error(`${definition.metadata.name}: ${body.message}`)
    const path = await this.pathOf(definition)
    for (;;) {
      const conditions = (await this.send('GET', path)).body.status?.conditions ?? []
      const is = (type: string): boolean => conditions.some((one) => one.type === type && one.status === 'True')
      if (is('Established')) return
      if (is('NonStructuralSchema')) throw new Error(`${definition.metadata.name} has no structural schema`)
      await delay(POLL_MS)
    }
  }
}

function lastLines(folder: string, child: ChildProcess): string {
  const program = child.spawnfile.slice(child.spawnfile.lastIndexOf('/') + 1)
  return readFileSync(join(folder, `${program}.log`), 'utf8')
    .split('\n')
    .slice(-12)
    .join('\n')
}

async function stopAll(processes: readonly ChildProcess[]): Promise<void> {
  for (const child of processes.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}
