/**
 * An NDJSON file of repaired dead letters, which can be given as a further input. Each line names its dead letter in
 * `retryOf`, a field that decoders ignore, so the file itself shows which dead letters it contains. The file is replaced
 * atomically: a killed command has either written its line or not.
 */
import { dirname } from 'node:path'
import { lockFile } from './file-lock.ts'
import { nodeFileSystem, replaceFile, type FileSystem } from './file-system.ts'

const WORDS = { what: 'retried records', remedy: 'Wait until that process has ended, or give --into another path.' }

/** A line of the input, which is a JSON object, and the dead letter that it repairs. */
export interface RetriedLine {
  readonly id: string
  readonly line: string
  /** Who repaired it and why; stored in the line as `retryBy` and `retryWhy`. */
  readonly by?: { readonly who: string; readonly why: string }
}

/** Adds one line. Resolves when it is durable; `exists`: the file has a line for this dead letter. */
export async function addRetriedLine(
  path: string,
  line: RetriedLine,
  files: FileSystem = nodeFileSystem,
): Promise<'added' | 'exists'> {
  return (await addRetriedLines(path, [line], files)) === 1 ? 'added' : 'exists'
}

/**
 * Adds the lines of those dead letters that the file has no line for, all at once: a killed command has written all of them
 * or none. Resolves to their number when they are durable.
 */
export async function addRetriedLines(
  path: string,
  lines: readonly RetriedLine[],
  files: FileSystem = nodeFileSystem,
): Promise<number> {
  await files.makeFolder(dirname(path))
  const lock = await lockFile(files, `${path}.windrow.lock`, WORDS)
  try {
    const before = (await files.readText(path)) ?? ''
    const present = new Set(await retriedIn(path, files))
    const added = lines.flatMap(({ id, line, by }) => {
      if (present.has(id)) return []
      present.add(id)
      const reason = by === undefined ? {} : { retryBy: by.who, retryWhy: by.why }
      return [`${JSON.stringify({ ...(JSON.parse(line) as object), retryOf: id, ...reason })}\n`]
    })
    if (added.length === 0) return 0
    const gap = before === '' || before.endsWith('\n') ? '' : '\n'
    await lock.assertHeld()
    await replaceFile(files, path, `${before}${gap}${added.join('')}`)
    return added.length
  } finally {
    await lock.release()
  }
}

/** Ids of the dead letters that the file has lines for. */
export async function retriedIn(path: string, files: FileSystem = nodeFileSystem): Promise<ReadonlySet<string>> {
  const ids = ((await files.readText(path)) ?? '').split('\n').map(retryOf)
  return new Set(ids.filter((id) => typeof id === 'string'))
}

/** `null` if Windrow did not write the line. */
function retryOf(line: string): unknown {
  if (!line.includes('"retryOf"')) return null
  try {
    return (JSON.parse(line) as { readonly retryOf?: unknown }).retryOf
  } catch {
    // Not JSON, so Windrow did not write it. A run will make a dead letter of it.
    return null
  }
}
