/** Options of scripts/test-faults.mjs, which passes them in an environment variable of the test runner. */
import { STATE_STORES, type StateStoreKind } from '../../src/dev/stack/description.ts'
import { CONTROLS, type NegativeControl } from './controls.ts'
import { KINDS } from './kinds.ts'
import type { FaultKind } from './environment.ts'

export interface FaultOptions {
  readonly seed: number
  readonly minutes: number
  readonly state: StateStoreKind
  /** `null`: all kinds. */
  readonly kinds: readonly FaultKind[] | null
  /** The negative control to run, whose fault must be found; `null`: the ports are correct. */
  readonly control: NegativeControl | null
  readonly command: string
  /** Relative to the checkout; `null`: the figures are not stored. */
  readonly figuresFile: string | null
}

const VARIABLE = 'WINDROW_FAULTS'

/** Throws on invalid options. */
export function optionsFrom(env: NodeJS.ProcessEnv): FaultOptions {
  const given = JSON.parse(env[VARIABLE] ?? '{}') as Readonly<Record<string, string | undefined>>
  const number = (name: string, fallback: number): number => {
    const value = Number(given[name] ?? fallback)
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} ${given[name]} is not a number from 0 up`)
    return value
  }
  const state = STATE_STORES.find((one) => one === (given['state'] ?? 'redis'))
  if (state === undefined) throw new Error(`--state ${given['state']} is none of ${STATE_STORES.join(', ')}`)
  return {
    seed: number('seed', 1),
    minutes: number('minutes', 0),
    state,
    kinds: given['kinds'] === undefined ? null : given['kinds'].split(',').map(kindNamed),
    control: given['control'] === undefined ? null : controlNamed(given['control']),
    command: given['command'] ?? 'npm run test:faults',
    figuresFile: given['figures'] ?? null,
  }
}

function kindNamed(name: string): FaultKind {
  const kind = KINDS.find((one) => one.name === name)
  if (kind === undefined) throw new Error(`--kinds ${name} is none of ${KINDS.map((one) => one.name).join(', ')}`)
  return kind
}

function controlNamed(name: string): NegativeControl {
  const control = CONTROLS.find((one) => one.name === name)
  if (control === undefined)
    throw new Error(`--control ${name} is none of ${CONTROLS.map((one) => one.name).join(', ')}`)
  return control
}
