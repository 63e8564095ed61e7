/** Reads file sources to their end, and writes inputs to a folder that is removed after the test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFileSource } from '../../../src/adapters/files/source.ts'
import type { FileSourceOptions } from '../../../src/adapters/files/source.ts'
import type { DataPoint, SourceRecord } from '../../../src/core/point.ts'
import type { OpenSource } from '../../../src/ports/index.ts'

/** Writes files into a new folder and returns their paths. */
export function writeFiles<Name extends string>(
  files: Readonly<Record<Name, string | Uint8Array>>,
): Record<Name, string> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const paths = {} as Record<Name, string>
  for (const name of Object.keys(files) as Name[]) {
    paths[name] = join(folder, name)
    writeFileSync(paths[name], files[name])
  }
  return paths
}

export function pointOf(i: number): DataPoint {
  return { vmId: `vm-${i % 17}`, producer: '', metric: 'cpu', timestamp: 1000 * i, seq: i, value: i / 4 }
}

export const lineOf = (point: DataPoint): string => JSON.stringify(point)

export async function drain(source: OpenSource): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  for (;;) {
    const event = await source.next()
    if (event.kind === 'end') return records
    if (event.kind === 'records') records.push(...event.records)
  }
}

/** All records of every partition, to the end. */
export async function readAll(
  options: FileSourceOptions,
  fromOffsets: readonly number[] = [],
): Promise<SourceRecord[][]> {
  const source = createFileSource(options)
  const open = await Promise.all(
    Array.from({ length: options.partitions }, (_, partition) => source.open(partition, fromOffsets[partition] ?? 0)),
  )
  const settled = await Promise.allSettled(open.map(drain))
  await Promise.all(open.map((one) => one.close()))
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

/** The records of a partition in the form that tests compare: the point, the manifest, or code and detail. */
export function contentsOf(records: readonly SourceRecord[]): unknown[] {
  return records.map(({ decoded }) => {
    if (decoded.kind === 'point') return decoded.point
    if (decoded.kind === 'manifest') return decoded.manifest
    return decoded.kind === 'undecodable' ? `${decoded.code}: ${decoded.detail}` : decoded
  })
}

export const read = async (input: string, options: Partial<FileSourceOptions> = {}): Promise<SourceRecord[]> =>
  (await readAll({ inputs: [input], partitions: 1, ...options }))[0] as SourceRecord[]
