/** Pins that a repaired line is in the file exactly once and whole, wherever an earlier attempt was cut off. */
import { expect, it } from 'vitest'
import { addRetriedLine, addRetriedLines, retriedIn } from '../../../src/adapters/files/retry-file.ts'
import { createJsonDecoder } from '../../../src/adapters/json/decode.ts'
import { Random } from '../../support/random.ts'
import { CrashingFileSystem } from './crashing-file-system.ts'

const PATH = 'folder/dead-letters.retry.ndjson'
const line = (seq: number): string => JSON.stringify({ vmId: 'a', metric: 'cpu', timestamp: 0, seq, value: 1 })
const OTHER = `${line(1)}\n`

it('a line is added once, and stays a line of input', async () => {
  const files = new CrashingFileSystem()
  expect(await addRetriedLine(PATH, { id: '0:17', line: line(1) }, files)).toBe('added')
  expect(await addRetriedLine(PATH, { id: '0:17', line: line(2) }, files)).toBe('exists')
  expect(await addRetriedLine(PATH, { id: '0:18', line: line(2) }, files)).toBe('added')
  const lines = files.text(PATH).trimEnd().split('\n')
  const seqs = lines.map((text) => {
    const decoded = createJsonDecoder().decodeText(text)
    return decoded.kind === 'point' ? decoded.point.seq : decoded
  })
  expect(seqs).toEqual([1, 2])
  expect([...(await retriedIn(PATH, files))]).toEqual(['0:17', '0:18'])
})

it('other lines of the file are kept, with or without a final line feed', async () => {
  const files = new CrashingFileSystem()
  files.put(PATH, 'not JSON, with "retryOf" in it')
  await addRetriedLine(PATH, { id: '0:17', line: line(1) }, files)
  expect(files.text(PATH).split('\n')).toEqual(['not JSON, with "retryOf" in it', expect.stringMatching(/0:17/), ''])
})

it('after a crash at any step, repeating the command leaves the line in the file exactly once', async () => {
  const whole = new CrashingFileSystem()
  await addRetriedLine(PATH, { id: '0:17', line: line(1) }, whole)
  const { steps } = whole
  expect(steps).toBeGreaterThan(10)
  const random = new Random(1)
  for (let step = 0; step < steps; step++) {
    for (const mode of ['before', 'half', 'after'] as const) {
      const files = new CrashingFileSystem()
      files.put(PATH, OTHER)
      files.failAt = { step, mode, error: new Error('down'), isFinal: true }
      await expect(addRetriedLine(PATH, { id: '0:17', line: line(2) }, files)).rejects.toThrow('down')
      files.crash(() => random.next())
      // The lock names this test's own process, so remove it as if that process were dead.
      await files.remove(`${PATH}.windrow.lock`)
      expect([OTHER, `${OTHER}${line(2).slice(0, -1)},"retryOf":"0:17"}\n`]).toContain(files.text(PATH))
      await addRetriedLine(PATH, { id: '0:17', line: line(2) }, files)
      expect(files.text(PATH).match(/0:17/g)).toHaveLength(1)
      expect(files.text(PATH).startsWith(OTHER)).toBe(true)
    }
  }
})

it('many lines are added at once, without those that the file has', async () => {
  const files = new CrashingFileSystem()
  await addRetriedLine(PATH, { id: '0:2', line: line(2) }, files)
  const many = [1, 2, 3, 3].map((seq) => ({ id: `0:${seq}`, line: line(seq) }))
  expect(await addRetriedLines(PATH, many, files)).toBe(2)
  expect(await addRetriedLines(PATH, many, files)).toBe(0)
  expect([...(await retriedIn(PATH, files))]).toEqual(['0:2', '0:1', '0:3'])
})
