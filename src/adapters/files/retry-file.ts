/**
 * Repaired records of dead letters as an NDJSON file, to be given as further input. Each line says in `retryOf` which
 * dead letter it is for, a field that decoders leave alone, so the file itself tells what it holds already. It is
 * replaced as a whole, atomically: a command that is killed has written its line or has not.
 */
import { dirname } from 'node:path'
import { lockFile } from './file-lock.ts'
import { nodeFileSystem, replaceFile, type FileSystem } from './file-system.ts'

const WORDS = { what: 'retried records', remedy: 'Wait until that process has ended, or give --into another path.' }

/** `line` is a JSON object. Resolves when it is on the disk; `there` when the file had a line for this dead letter. */
export async function addRetriedLine(
  path: string,
  id: string,
  line: string,
  files: FileSystem = nodeFileSystem,
): Promise<'added' | 'there'> {
  await files.makeFolder(dirname(path))
  const lock = await lockFile(files, `${path}.windrow.lock`, WORDS)
  try {
    const before = (await files.readText(path)) ?? ''
    if ((await retriedIn(path, files)).has(id)) return 'there'
    const added = JSON.stringify({ ...(JSON.parse(line) as object), retryOf: id })
    const gap = before === '' || before.endsWith('\n') ? '' : '\n'
    await lock.assertHeld()
    await replaceFile(files, path, `${before}${gap}${added}\n`)
    return 'added'
  } finally {
    await lock.release()
  }
}

/** The dead letters that a file has lines for. */
export async function retriedIn(path: string, files: FileSystem = nodeFileSystem): Promise<ReadonlySet<string>> {
  const ids = ((await files.readText(path)) ?? '').split('\n').map(retryOf)
  return new Set(ids.filter((id) => typeof id === 'string'))
}

/** `null` for a line that somebody else wrote. */
function retryOf(line: string): unknown {
  if (!line.includes('"retryOf"')) return null
  try {
    return (JSON.parse(line) as { readonly retryOf?: unknown }).retryOf
  } catch {
    // No JSON, so no line of ours; a run will make a dead letter of it.
    return null
  }
}
