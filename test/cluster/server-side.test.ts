/** A real Kubernetes API server accepts both overlays in strict dry runs, and admits their pods into their namespace. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Manifest, Pod } from '../k8s/manifest.ts'
import { build, buildText, find, OVERLAYS } from '../k8s/manifests.ts'
import type { Overlay } from '../k8s/manifests.ts'
import { ApiServer, type Answer, type KubernetesObject } from './api-server.ts'
import { ROOT } from '../support/built.ts'
import { resourceDefinitions } from './builds.ts'
import { runOnModel } from './strimzi/model.ts'

type Applied = Manifest & KubernetesObject

const NAMESPACE = 'windrow'
/** Strimzi's definitions are in no registry of packages; strimzi.test.ts checks its objects. */
const isServed = ({ apiVersion }: KubernetesObject): boolean => !apiVersion.startsWith('kafka.strimzi.io/')

let api: ApiServer

beforeAll(async () => {
  api = await ApiServer.start()
  for (const text of resourceDefinitions()) {
    for (const document of parseAllDocuments(text)) {
      const definition = document.toJS() as KubernetesObject | null
      if (definition !== null) await api.define(definition)
    }
  }
  // Objects of a namespace that is not there are refused, in dry runs too.
  const { status, body } = await api.apply(await namespaceOf('local'), { dryRun: false })
  expect(body.message ?? status).toBe(201)
})
afterAll(() => api.stop())

const objectsOf = async (overlay: Overlay): Promise<Applied[]> => (await build(overlay)) as Applied[]
const namespaceOf = async (overlay: Overlay): Promise<Applied> => find(await objectsOf(overlay), 'Namespace') as Applied

/** Kind, name and what the server said. */
const said = ({ kind, metadata }: KubernetesObject, { status, body }: Answer): string =>
  `${kind} ${metadata.name}: ${status < 300 ? 'accepted' : (body.message ?? status)}`

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  it('is accepted, each object of it', async () => {
    const objects = (await objectsOf(overlay)).filter(isServed)
    const answers: string[] = []
    for (const object of objects) answers.push(said(object, await api.apply(object, { dryRun: true })))
    expect(answers).toEqual(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}: accepted`))
    expect(objects.length).toBeGreaterThan(20)
  })

  it('has pods that its namespace admits', async () => {
    const pods = podsOf(await objectsOf(overlay))
    const answers: string[] = []
    for (const pod of pods) answers.push(said(pod, await createPod(pod)))
    expect(answers).toEqual(pods.map(({ metadata }) => `Pod ${metadata.name}: accepted`))
    expect(pods.length).toBeGreaterThan(1)
  })
})

describe('the pods that Strimzi makes of the overlay for AKS', () => {
  /** Each pod with the answer of the namespace, by the name of Strimzi's security provider. */
  const answersTo = async (provider: string): Promise<[string, Answer][]> => {
    const manifests = await buildText('aks')
    const pods = JSON.parse(await runOnModel('PodsOfKafka.java', manifests, [provider])) as Record<string, Pod>
    const answers: [string, Answer][] = []
    for (const [name, spec] of Object.entries(pods))
      answers.push([name, await createPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec })])
    return answers
  }

  it('are admitted with the security provider that deploy.sh sets', async () => {
    const script = readFileSync(join(ROOT, 'k8s/aks/deploy.sh'), 'utf8')
    const set = /extraEnvs\[0\]\.name=STRIMZI_POD_SECURITY_PROVIDER_CLASS' --set 'extraEnvs\[0\]\.value=(\w+)'/.exec(
      script,
    )
    const answers = (await answersTo(set?.[1] ?? 'baseline')).map(([name, { body, status }]) => [
      name,
      body.message ?? status,
    ])
    expect(answers).toEqual([
      ['kafka', 201],
      ['entity-operator', 201],
    ])
  })

  it("are refused with Strimzi's default", async () => {
    for (const [, { status, body }] of await answersTo('baseline')) {
      expect(status).toBe(403)
      expect(body.message).toContain('unrestricted capabilities')
    }
  })
})

describe('notices', () => {
  it.each<[string, string, (object: Applied) => unknown, string]>([
    ['an unknown field', 'Deployment', ({ spec }) => ({ ...spec, replica: 2 }), 'replica'],
    ["a wrong type in Dapr's", 'Resiliency', () => ({ policies: { retries: 3 } }), 'retries'],
    ["an unknown field of KEDA's", 'ScaledObject', ({ spec }) => ({ ...spec, polling: 30 }), 'polling'],
    ["a missing field of KEDA's", 'ScaledObject', ({ spec }) => ({ ...spec, scaleTargetRef: {} }), 'name'],
  ])('%s', async (_case, kind, broken, problem) => {
    const object = find(await objectsOf('local'), kind) as Applied
    // A field that another apply owns stays, so the broken object has a name of its own.
    const metadata = { ...object.metadata, name: 'broken' }
    const spec = broken(object)
    const { status, body } = await api.apply({ ...object, metadata, spec } as Applied, { dryRun: true })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(body.message).toContain(problem)
  })

  it.each<[string, (container: Container) => Container, string]>([
    ['keeps its capabilities', (one) => withContext(one, { capabilities: { drop: [] } }), 'unrestricted capabilities'],
    ['may gain privileges', (one) => withContext(one, { allowPrivilegeEscalation: true }), 'allowPrivilegeEscalation'],
    [
      'adds a capability',
      (one) => withContext(one, { capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }),
      'SYS_ADMIN',
    ],
  ])('a pod with a container that %s', async (_case, broken, problem) => {
    const [pod] = podsOf(await objectsOf('local'))
    if (pod === undefined) throw new Error('the overlay has no pod')
    const [container] = pod.spec.containers
    const containers = [broken(container as Container)]
    const { status, body } = await createPod({ ...pod, spec: { ...pod.spec, containers } })
    expect(status).toBe(403)
    expect(body.message).toContain('violates PodSecurity "restricted')
    expect(body.message).toContain(problem)
  })

  it("a sidecar that Dapr's chart injects without sidecarDropALLCapabilities", async () => {
    const pods = podsOf(await objectsOf('local'))
    const pod = pods.find(({ metadata }) => metadata.annotations?.['dapr.io/enabled'] === 'true')
    if (pod === undefined) throw new Error('no pod asks for a sidecar')
    const sidecar = {
      name: 'daprd',
      image: 'daprio/daprd',
      restartPolicy: 'Always',
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true },
    }
    const withSidecar = (capabilities?: { drop: string[] }): ReturnType<typeof createPod> => {
      const securityContext = { ...sidecar.securityContext, capabilities }
      return createPod({
        ...pod,
        spec: { ...pod.spec, initContainers: [{ ...sidecar, securityContext } as Container] },
      })
    }
    expect(await withSidecar({ drop: ['ALL'] })).toMatchObject({ status: 201 })
    const { status, body } = await withSidecar()
    expect(status).toBe(403)
    expect(body.message).toContain('unrestricted capabilities (container "daprd"')
  })
})

const withContext = (container: Container, context: NonNullable<Container['securityContext']>): Container => ({
  ...container,
  securityContext: { ...container.securityContext, ...context },
})

type PodObject = KubernetesObject & { readonly metadata: Manifest['metadata']; readonly spec: Pod }

/** One pod for each template of a workload. */
function podsOf(objects: readonly Applied[]): PodObject[] {
  return objects.flatMap(({ metadata: { name }, spec }) => {
    if (spec?.template === undefined) return []
    const { template, volumeClaimTemplates = [] } = spec
    const metadata = { ...template.metadata, name, namespace: NAMESPACE }
    // The controller of a StatefulSet adds a volume for each claim.
    const claims = volumeClaimTemplates.map(({ metadata: claim }) => ({
      name: claim.name,
      persistentVolumeClaim: { claimName: `${claim.name}-${name}-0` },
    }))
    const volumes = [...(template.spec.volumes ?? []), ...claims]
    return [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...template.spec, volumes } }]
  })
}

/** Admission refuses a pod, not the workload that would create it. */
function createPod(pod: PodObject): Promise<Answer> {
  return api.send('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`, pod)
}
