/** The figures of runs, kept beside the document that shows them: a run appends its own, nobody types them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { StateStoreKind } from '../../src/dev/stack/description.ts'

export interface Figures {
  /** As it was typed. */
  readonly command: string
  readonly seed: number
  readonly state: StateStoreKind
  readonly processors: number
  readonly seconds: number
  readonly records: number
  readonly vmWindows: number
  /** Blows by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Processors that ended by themselves and were started again. */
  readonly deaths: number
  /** Sidecars that did; absent in figures of runs from before they were started again. */
  readonly sidecarDeaths?: number
  readonly lost: number
  readonly doubled: number
  readonly wrong: number
}

export async function appendFigures(path: string, figures: Figures): Promise<void> {
  await keep(path, [...(await readKept<Figures>(path)), figures])
}

export async function keep(path: string, all: readonly unknown[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(all, null, 2)}\n`)
}

/** Nothing where none were kept yet. */
export async function readKept<T>(path: string): Promise<T[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
