/**
 * Expands an input's patterns to files and binds the files to the job. Offsets are record numbers across all inputs, so a
 * changed file would shift them: each file's size and the digest of its first bytes are stored in the job record and
 * compared when the job resumes.
 */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { ConfigurationError, WindrowError, messageOf } from '../../errors/index.ts'
import type { ConfigurationProblem } from '../../errors/index.ts'

/** Standard input. */
export const STDIN = '-'

const HEAD_BYTES = 64 * 1024

/** An input file. Standard input and pipes have a path only, since they cannot be read twice. */
export interface BoundInput {
  readonly path: string
  readonly size?: number
  /** SHA-256 of the first 64 KiB, hexadecimal. */
  readonly headDigest?: string
}

export type InputBinding = readonly BoundInput[]

/** What the job record stores about its input. */
export interface FilesIdentity {
  readonly kind: 'files'
  readonly inputs: InputBinding
  /** In which order the records are numbered. Jobs of version 0.1.0 lack it: they number them in the order of the files. */
  readonly order?: 'streamed' | 'sorted'
  /** Of sorted records: SHA-256 of all files, hexadecimal. */
  readonly digest?: string
}

/** Throws INPUT_CHANGED unless the input is the one that was bound to the job. */
export function checkFiles(stored: FilesIdentity, current: FilesIdentity): void {
  checkBinding(stored.inputs, current.inputs)
  if (stored.digest !== undefined && current.digest !== undefined && stored.digest !== current.digest)
    throw changed('the records of the input differ from those that the job started with')
}

/** Expands patterns, checks that every file can be read, and describes the files in the order in which they are read. */
export async function describeInputs(inputs: readonly string[]): Promise<InputBinding> {
  const problems: ConfigurationProblem[] = []
  const bound: BoundInput[] = []
  if (inputs.filter((input) => input === STDIN).length > 1) {
    problems.push(problem('standard input is named more than once', 'Give - once.'))
  }
  for (const input of inputs) {
    for (const path of await expand(input, problems)) {
      try {
        bound.push(await describe(path))
      } catch (error) {
        problems.push(unreadable(path, error))
      }
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  return bound
}

/** Throws INPUT_CHANGED unless `current` is what was bound to the job. A file may have moved if its content is the same. */
export function checkBinding(stored: InputBinding, current: InputBinding): void {
  if (stored.length !== current.length) {
    throw changed(`the job started with ${names(stored)}, and is now given ${names(current)}`)
  }
  for (const [i, before] of stored.entries()) {
    const now = current[i] as BoundInput
    if (before.size === undefined || now.size === undefined) {
      if (before.size !== now.size) throw changed(`${now.path} was ${before.path} when the job started`)
      continue
    }
    if (before.size !== now.size)
      throw changed(`${now.path} has ${now.size} bytes, and had ${before.size} when the job started`)
    if (before.headDigest !== now.headDigest)
      throw changed(`the first bytes of ${now.path} differ from those that the job started with`)
  }
}

async function expand(input: string, problems: ConfigurationProblem[]): Promise<readonly string[]> {
  if (input === STDIN || !isDynamicPattern(input) || (await exists(input))) return [input]
  const paths = await glob(input, { absolute: isAbsolute(input), expandDirectories: false })
  if (paths.length === 0)
    problems.push(
      problem(`no file matches ${input}`, 'Check the pattern, and quote it so that the shell does not expand it.'),
    )
  return paths.sort()
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function describe(path: string): Promise<BoundInput> {
  if (path === STDIN) return { path }
  const stats = await stat(path)
  if (stats.isDirectory()) throw new Error('it is a folder')
  // Opening a pipe would block until its writer opens it, and what is read from it is lost.
  if (!stats.isFile()) return { path }
  const handle = await open(path, 'r')
  try {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, stats.size))
    let length = 0
    while (length < head.length) {
      const { bytesRead } = await handle.read(head, length, head.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { path, size: stats.size, headDigest: createHash('sha256').update(head.subarray(0, length)).digest('hex') }
  } finally {
    await handle.close()
  }
}

function unreadable(path: string, error: unknown): ConfigurationProblem {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return problem(`there is no file ${path}`, 'Check the path.')
  if (code === 'EACCES' || code === 'EPERM')
    return problem(`${path} may not be read`, 'Give this user permission to read it.')
  const isFolder = code === 'EISDIR' || messageOf(error) === 'it is a folder'
  if (isFolder)
    return problem(`${path} is a folder`, `Name its files, for example '${path.replace(/\/+$/, '')}/*.ndjson'.`)
  return problem(`${path} cannot be read: ${messageOf(error)}`, 'Check the path.')
}

function problem(text: string, remedy: string): ConfigurationProblem {
  return { place: '--input', problem: text, remedy }
}

function changed(message: string): WindrowError {
  return new WindrowError(message, { code: 'INPUT_CHANGED' })
}

function names(binding: InputBinding): string {
  const paths = binding.map((input) => input.path)
  return paths.length > 3 ? `${paths.length} files` : paths.join(', ')
}
