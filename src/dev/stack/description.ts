/**
 * `stack.json`: what a data folder's stack consists of and where it listens. It is written before anything is started,
 * so a stack that came up in part can be completed, looked at and taken down; others read it for the addresses.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WindrowError } from '../../errors/index.ts'
import { addressOf, daprdPorts, HOST, stackPorts } from './ports.ts'
import type { DaprdPorts, StackPorts } from './ports.ts'
import type { Tools } from './tools.ts'

/** Optional services. Grafana, which shows what Prometheus knows, brings Prometheus with it. */
export const EXTRAS = ['prometheus', 'grafana'] as const
export type Extra = (typeof EXTRAS)[number]

/** `components` gives the sidecars pub/sub components on Kafka and Redis, and a binding that stores files. */
export const ADDITIONS = [...EXTRAS, 'components'] as const
export type Addition = (typeof ADDITIONS)[number]

export const STATE_STORES = ['redis', 'postgres'] as const
export type StateStoreKind = (typeof STATE_STORES)[number]

/** The app id of all of Windrow's sidecars: workers of one app id share its workflows. */
export const APP_ID = 'windrow'
/** The name of the state store component. */
export const STATE_STORE_NAME = 'statestore'

export interface DaprdDescription {
  /** `daprd-<index>`. */
  readonly name: string
  readonly index: number
  readonly appId: string
  readonly state: StateStoreKind
  /** Port of the application that the sidecar calls; absent if it calls none. */
  readonly appPort?: number
  readonly ports: DaprdPorts
}

export interface StackDescription {
  readonly dataDir: string
  readonly portBase: number
  /** The store behind the state of its daprds, unless one is started with the other. */
  readonly state: StateStoreKind
  readonly components?: boolean
  readonly ports: StackPorts
  readonly addresses: {
    /** The bootstrap brokers. */
    readonly kafka: string
    readonly redis: string
    /** A connection URL; there is no password. */
    readonly postgres: string
    readonly placement: string
    readonly scheduler: string
  }
  readonly daprds: readonly DaprdDescription[]
  readonly tools: Tools
  /** Folders of the built programs. */
  readonly kafkaJars: string
  readonly daprPrograms: string
}

export interface StackChoices {
  readonly dataDir: string
  readonly portBase: number
  readonly state: StateStoreKind
  /** Whether the sidecars have pub/sub and binding components; absent in the description of an earlier version. */
  readonly components?: boolean
}

export interface StackPrograms {
  readonly tools: Tools
  readonly kafkaJars: string
  readonly daprPrograms: string
}

export function describeStack(choices: StackChoices, programs: StackPrograms): StackDescription {
  const ports = stackPorts(choices.portBase)
  return {
    ...choices,
    ports,
    addresses: {
      kafka: addressOf(ports.kafka),
      redis: addressOf(ports.redis),
      postgres: `postgres://windrow@${HOST}:${ports.postgres}/windrow`,
      placement: addressOf(ports.placement),
      scheduler: addressOf(ports.scheduler),
    },
    daprds: [],
    ...programs,
  }
}

export function describeDaprd(
  stack: StackDescription,
  index: number,
  appId: string,
  state: StateStoreKind,
  appPort?: number,
): DaprdDescription {
  const ports = daprdPorts(stack.portBase, index)
  return { name: `daprd-${index}`, index, appId, state, ...(appPort === undefined ? {} : { appPort }), ports }
}

/** The stack of a data folder, `null` when there is none. Says nothing about what runs. */
export async function findStack(dataDir: string): Promise<StackDescription | null> {
  try {
    return JSON.parse(await readFile(stackFile(dataDir), 'utf8')) as StackDescription
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Like {@link findStack}, but throws if there is no stack. */
export async function readStack(dataDir: string): Promise<StackDescription> {
  const stack = await findStack(dataDir)
  if (stack !== null) return stack
  throw new WindrowError(`There is no stack in ${dataDir}`, {
    code: 'NO_STACK',
    remedy: `Bring one up with: windrow stack up --data-dir ${dataDir}`,
  })
}

export async function writeStack(stack: StackDescription): Promise<void> {
  const file = stackFile(stack.dataDir)
  await writeFile(`${file}.new`, `${JSON.stringify(stack, null, 2)}\n`)
  await rename(`${file}.new`, file)
}

export function stackFile(dataDir: string): string {
  return join(dataDir, 'stack.json')
}
