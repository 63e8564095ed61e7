/**
 * What the cluster suite needs beside this repository: Kubernetes's API server and etcd, which Go builds from their modules;
 * the custom resource definitions of Dapr, KEDA and the Prometheus Operator, from the modules that ship them; and Strimzi's
 * model of its resources, which Maven fetches. All of it is built once per machine, into the project's cache.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DAPR_VERSION } from '../../src/dev/stack/builds.ts'
import { builtOnce, cacheFolder } from '../../src/dev/stack/cache.ts'

const KUBERNETES_VERSION = '1.34.4'
const HELM_VERSION = '3.19.0'
/** Only ever run inside of a sandbox. */
const KUBE_ROUTER_VERSION = '2.1.0'
export const KEDA_VERSION = '2.20.2'
const KEDA_MODULE = `github.com/kedacore/keda/v2@v${KEDA_VERSION}`
/** Kubernetes publishes its own libraries under 0.MINOR.PATCH. */
const LIBRARIES_VERSION = KUBERNETES_VERSION.replace(/^1\./, '0.')
/** Folders with custom resource definitions inside Go modules. */
const DEFINITIONS: readonly { readonly module: string; readonly folder: string }[] = [
  { module: `github.com/dapr/dapr@v${DAPR_VERSION}`, folder: 'charts/dapr/crds' },
  { module: KEDA_MODULE, folder: 'config/crd/bases' },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    folder: 'example/prometheus-operator-crd',
  },
]
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

const cache = (): string => cacheFolder(process.env, homedir())

/** The folder with `kube-apiserver` and `etcd`. The first build takes about eight minutes on two cores. */
export function controlPlanePrograms(): Promise<string> {
  return builtOnce(cache(), `kubernetes-${KUBERNETES_VERSION}`, async (into) => {
    const module = kubernetesModule(into)
    buildKubernetes(module, join(into, 'kube-apiserver'), 'k8s.io/kubernetes/cmd/kube-apiserver')
    buildKubernetes(module, join(into, 'etcd'), 'go.etcd.io/etcd/server/v3')
  })
}

/** The folder with all programs of a cluster with nodes. After the API server, they take about five minutes on two cores. */
export async function nodePrograms(): Promise<string> {
  const controlPlane = await controlPlanePrograms()
  return builtOnce(cache(), `kubernetes-node-${KUBERNETES_VERSION}`, async (into) => {
    const module = kubernetesModule(into)
    for (const name of ['kubelet', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubectl'])
      buildKubernetes(module, join(into, name), `k8s.io/kubernetes/cmd/${name}`)
    for (const name of ['kube-apiserver', 'etcd']) linkSync(join(controlPlane, name), join(into, name))
  })
}

/** Helm, which installs Dapr's chart. The first build takes about two minutes. */
export const helm = (): Promise<string> => installed('helm', HELM_VERSION, 'helm.sh/helm/v3/cmd/helm')

/** kube-router, which enforces network policies. The first build takes about two minutes. */
export const kubeRouter = (): Promise<string> =>
  installed('kube-router', KUBE_ROUTER_VERSION, 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router')

/** The path of a program that Go builds from a module of its own. */
async function installed(name: string, version: string, path: string): Promise<string> {
  const folder = await builtOnce(cache(), `${name}-${version}`, async (into) => {
    go(['install', '-trimpath', '-ldflags', '-s -w', `${path}@v${version}`], '/', { GOBIN: into })
  })
  return join(folder, name)
}

/** Folder with the programs of Dapr's control plane that a stack does not use: injector, operator and sentry. */
export async function daprControlPlane(dapr: string): Promise<string> {
  return builtOnce(cache(), `dapr-control-plane-${DAPR_VERSION}`, async (into) => {
    const module = join(into, 'module')
    mkdirSync(module)
    for (const file of ['go.mod', 'go.sum']) copyFileSync(join(dapr, 'module', file), join(module, file))
    const flags = ['-mod=mod', '-trimpath', '-tags', 'allcomponents']
    // The flags of the stack's own build (src/dev/stack/builds.ts), with which it shares nearly all compiled packages.
    const version = ['-ldflags', `-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=${DAPR_VERSION}`]
    const names = ['injector', 'operator', 'sentry'].map((name) => `github.com/dapr/dapr/cmd/${name}`)
    go(['build', ...flags, ...version, '-o', into, ...names], module, { CGO_ENABLED: process.env.CGO_ENABLED })
  })
}

/**
 * The folder with KEDA's `operator` and `adapter`. They are built inside of KEDA's module, because Go installs no program whose
 * module replaces others.
 */
export async function keda(): Promise<string> {
  const module = moduleFolder(KEDA_MODULE)
  return builtOnce(cache(), `keda-${KEDA_VERSION}`, async (into) => {
    const flags = ['-mod=readonly', '-trimpath', '-ldflags', '-s -w']
    go(['build', ...flags, '-o', into, './cmd/operator', './cmd/adapter'], module)
  })
}

/** The folder of KEDA's own kustomization without admission webhooks. */
export const kedaKustomization = (): string => join(moduleFolder(KEDA_MODULE), 'config/minimal')

/** The folder of Dapr's own chart. */
export const daprChart = (): string => join(moduleFolder(`github.com/dapr/dapr@v${DAPR_VERSION}`), 'charts/dapr')

/** A program without libraries that keeps the namespaces of a pod. */
export async function pauseProgram(): Promise<string> {
  const source = join(import.meta.dirname, 'node/pause.go.txt')
  return builtOnce(cache(), 'pause-1', async (into) => {
    copyFileSync(source, join(into, 'main.go'))
    go(['build', '-trimpath', '-ldflags', '-s -w', '-o', join(into, 'pause'), 'main.go'], into)
  })
}

/** Makes the module from which programs of Kubernetes are built. */
function kubernetesModule(into: string): string {
  const source = moduleFolder(`k8s.io/kubernetes@v${KUBERNETES_VERSION}`)
  const module = join(into, 'module')
  mkdirSync(module)
  writeFileSync(join(module, 'go.mod'), ownModule(readFileSync(join(source, 'go.mod'), 'utf8')))
  copyFileSync(join(source, 'go.sum'), join(module, 'go.sum'))
  chmodSync(join(module, 'go.sum'), 0o644)
  return module
}

function buildKubernetes(module: string, into: string, path: string): void {
  const versionFlags = Object.entries({
    gitVersion: `v${KUBERNETES_VERSION}`,
    gitMajor: KUBERNETES_VERSION.split('.')[0],
    gitMinor: KUBERNETES_VERSION.split('.')[1],
  }).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  const flags = ['-mod=mod', '-trimpath', '-ldflags', ['-s', '-w', ...versionFlags].join(' ')]
  go(['build', ...flags, '-o', into, path], module)
}

/**
 * A module of its own with the dependencies of Kubernetes. In Kubernetes's repository its libraries are folders; outside of it
 * they are modules, which have to be named with their versions.
 */
function ownModule(goMod: string): string {
  return goMod
    .replace(/^module .*$/m, 'module windrow.example/cluster')
    .replace(/^(\s+k8s\.io\/\S+) v0\.0\.0$/gm, `$1 v${LIBRARIES_VERSION}`)
    .replace(/^(\s+)(k8s\.io\/\S+) => \.\/staging\/src\/\S+$/gm, `$1$2 => $2 v${LIBRARIES_VERSION}`)
    .replace(/^require \(/m, `require k8s.io/kubernetes v${KUBERNETES_VERSION}\n\nrequire (`)
}

/** The texts of all custom resource definitions that the overlays use. */
export function resourceDefinitions(): string[] {
  return DEFINITIONS.flatMap(({ module, folder }) => {
    const path = join(moduleFolder(module), folder)
    return readdirSync(path)
      .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
      .map((file) => readFileSync(join(path, file), 'utf8'))
  })
}

/** The folder with the jars of Strimzi's model. */
export function strimziModel(): Promise<string> {
  const pom = join(import.meta.dirname, 'strimzi/pom.xml')
  const version = /<artifactId>api<\/artifactId>\s*<version>(.*?)</.exec(readFileSync(pom, 'utf8'))?.[1]
  if (version === undefined) throw new TypeError(`${pom} has no version of the model`)
  return builtOnce(cache(), `strimzi-model-${version}`, async (into) => {
    execFileSync('mvn', ['-q', '-B', '-f', pom, COPY_DEPENDENCIES, `-DoutputDirectory=${into}`], { stdio: 'pipe' })
  })
}

/** Where Go keeps a module of this name and version; it is downloaded when it is not there. */
function moduleFolder(module: string): string {
  const { Dir } = JSON.parse(go(['mod', 'download', '-json', module], '/')) as { readonly Dir: string }
  return Dir
}

function go(args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}): string {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', ...more }
  return execFileSync('go', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 })
}
