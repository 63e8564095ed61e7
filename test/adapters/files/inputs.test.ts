/** Pins which files an input pattern selects, that all problems are reported at once, and when a file counts as changed. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkBinding, describeInputs } from '../../../src/adapters/files/inputs.ts'
import { ConfigurationError } from '../../../src/errors/index.ts'
import { writeFiles } from './support.ts'

describe('inputs', () => {
  test('are described by path, size and the digest of their head', async () => {
    const large = Buffer.alloc(100_000, 'x')
    const { a, b } = writeFiles({ a: 'hello', b: large })
    const sha = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(await describeInputs([b, '-', a])).toEqual([
      { path: b, size: 100_000, headDigest: sha(large.subarray(0, 65_536)) },
      { path: '-' },
      { path: a, size: 5, headDigest: sha('hello') },
    ])
  })

  test('may be patterns, whose files are sorted; a file whose name looks like a pattern is read as that file', async () => {
    const files = writeFiles({ 'b.ndjson': '', 'a.ndjson': '', 'c.csv': '', '[d].ndjson': '' })
    const folder = dirname(files['b.ndjson'])
    const pathsOf = async (input: string) => (await describeInputs([input])).map(({ path }) => path)
    expect(await pathsOf(`${folder}/{a,b}.*`)).toEqual([files['a.ndjson'], files['b.ndjson']])
    expect(await pathsOf(files['[d].ndjson'])).toEqual([files['[d].ndjson']])
  })

  test('that cannot be read are all reported at once, each with its remedy', async () => {
    const { a } = writeFiles({ a: '' })
    const folder = dirname(a)
    const error = await describeInputs([a, join(folder, 'missing'), folder, `${folder}/*.none`, '-', '-']).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as ConfigurationError).problems).toEqual([
      { place: '--input', problem: 'standard input is named more than once', remedy: 'Give - once.' },
      { place: '--input', problem: `there is no file ${join(folder, 'missing')}`, remedy: 'Check the path.' },
      {
        place: '--input',
        problem: `${folder} is a folder`,
        remedy: `Name its files, for example '${folder}/*.ndjson'.`,
      },
      {
        place: '--input',
        problem: `no file matches ${folder}/*.none`,
        remedy: expect.stringContaining('pattern') as string,
      },
    ])
  })

  test.skipIf(process.platform === 'win32')('that are pipes are not read to describe them', async () => {
    const { a } = writeFiles({ a: '' })
    const fifo = join(dirname(a), 'fifo')
    execFileSync('mkfifo', [fifo])
    expect(await describeInputs([fifo])).toEqual([{ path: fifo }])
  })
})

describe('the binding of inputs to a job', () => {
  const changeOf = async (change: (path: string) => void): Promise<unknown> => {
    const { a } = writeFiles({ a: 'one\ntwo\n' })
    const stored = await describeInputs([a])
    change(a)
    try {
      checkBinding(stored, await describeInputs([a]))
      return 'accepted'
    } catch (error) {
      return error
    }
  }

  test('accepts unchanged inputs', async () => {
    expect(await changeOf(() => {})).toBe('accepted')
  })

  test('refuses a file that grew, shrank or has another head, and names it', async () => {
    for (const change of [
      (path: string) => appendFileSync(path, 'three\n'),
      (path: string) => writeFileSync(path, 'one\n'),
      (path: string) => writeFileSync(path, 'ONE\ntwo\n'),
    ]) {
      expect(await changeOf(change)).toMatchObject({
        code: 'INPUT_CHANGED',
        message: expect.stringContaining('/a ') as string,
      })
    }
  })

  test('accepts a file that moved, and refuses more, fewer or reordered files', async () => {
    const { a, b } = writeFiles({ a: 'a', b: 'bb' })
    const stored = await describeInputs([a, b])
    mkdirSync(`${a}.d`)
    const moved = join(`${a}.d`, 'moved')
    renameSync(a, moved)
    expect(() => checkBinding(stored, [])).toThrow('the job started with')
    const current = await describeInputs([moved, b])
    checkBinding(stored, current)
    expect(() => checkBinding(stored, current.slice(0, 1))).toThrow('the job started with')
    expect(() => checkBinding(stored, [...current].reverse())).toThrow('bytes')
    expect(() => checkBinding(stored, [{ path: '-' }, ...current.slice(1)])).toThrow('- was')
  })
})
