/** The manifests as a cluster receives them: overlays, built with kustomize. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ROOT } from '../support/built.ts'
import type { Manifest } from './manifest.ts'
import { tool } from './tools.ts'

export const OVERLAYS = ['local', 'aks'] as const
export type Overlay = (typeof OVERLAYS)[number]

export const buildText = (overlay: Overlay): Promise<string> => kustomize(join(ROOT, 'k8s/overlays', overlay))

/** The objects of a kustomization, as text. */
export async function kustomize(folder: string): Promise<string> {
  return execFileSync(await tool('kustomize'), ['build', folder], { encoding: 'utf8', maxBuffer: 1 << 26 })
}

export async function build(overlay: Overlay): Promise<Manifest[]> {
  return manifestsIn(await buildText(overlay))
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

export function find(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name))
  if (found === undefined) throw new Error(`there is no ${kind} ${name ?? ''}`)
  return found
}

/** The problems that kubeconform reports for a text, with the schemas next to this file; empty if it is valid. */
export async function schemaProblems(text: string): Promise<string> {
  const location = join(ROOT, 'test/k8s/schemas', '{{ .ResourceKind }}{{ .KindSuffix }}.json')
  const args = ['-strict', '-schema-location', location, '-skip', WITHOUT_SCHEMA.join(','), '-']
  const { status, stdout, stderr } = spawnSync(await tool('kubeconform'), args, { input: text, encoding: 'utf8' })
  if (status === null) throw new Error(`kubeconform did not run: ${stderr}`)
  return status === 0 ? '' : `${stdout}${stderr}`
}

/** No schema is available for Strimzi's custom resources, so only they are not checked. */
const WITHOUT_SCHEMA = ['Kafka', 'KafkaNodePool', 'KafkaTopic', 'KafkaUser']
