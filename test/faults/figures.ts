/** Stores the figures of runs next to the document that shows them. Each run appends its own; they are never typed by hand. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { StateStoreKind } from '../../src/dev/stack/description.ts'

export interface Figures {
  /** The command as the user typed it. */
  readonly command: string
  readonly seed: number
  readonly state: StateStoreKind
  readonly processors: number
  readonly seconds: number
  readonly records: number
  readonly vmWindows: number
  /** Number of injected faults by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Number of processors that exited unexpectedly and were restarted. */
  readonly deaths: number
  /** Number of sidecars that did the same; absent in older figures, from before the harness restarted sidecars. */
  readonly sidecarDeaths?: number
  readonly lost: number
  readonly doubled: number
  readonly wrong: number
}

export async function appendFigures(path: string, figures: Figures): Promise<void> {
  await writeFigures(path, [...(await readFigures<Figures>(path)), figures])
}

export async function writeFigures(path: string, all: readonly unknown[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(all, null, 2)}\n`)
}

/** The stored figures; an empty list if the file does not exist yet. */
export async function readFigures<T>(path: string): Promise<T[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
