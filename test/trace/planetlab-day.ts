/** The PlanetLab day as input files, and its exact answers. */
import { execFileSync } from 'node:child_process'
import { createWriteStream, existsSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import avro from 'avsc'
import { loadSchemas } from '../../src/adapters/avro/schemas.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** A folder with `data/planetlab-20110303.csv.gz` and `tools/planetlab.mjs`. */
const home = resolve(root, process.env['WINDROW_PLANETLAB'] ?? '../shared')
const data = join(home, 'data/planetlab-20110303.csv.gz')
const tool = join(home, 'tools/planetlab.mjs')

export type Format = 'ndjson' | 'csv' | 'avro'

interface Line {
  readonly vmId: string
  readonly metric: string
  readonly timestamp: number
  readonly seq: number
  readonly value: number
  readonly manifest?: {
    readonly vmId: string
    readonly windowStart: number
    readonly firstSeq: number
    readonly count: number
  }
}

export interface OracleWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Fails with what to do where the data is absent: a suite that skips proves nothing. */
export function assertDataIsThere(): void {
  if (existsSync(data) && existsSync(tool)) return
  throw new Error(
    `the PlanetLab day is not at ${home}: set WINDROW_PLANETLAB to a folder with data/planetlab-20110303.csv.gz ` +
      `(one line a VM: its name and 288 readings) and tools/planetlab.mjs`,
  )
}

function run(args: readonly string[]): string {
  return execFileSync(process.execPath, [tool, data, ...args], { encoding: 'utf8', maxBuffer: 1024 ** 3 })
}

/** The lines of the day, with whatever was asked to be done to them. */
export function expand(args: readonly string[]): string[] {
  return run(args).trimEnd().split('\n')
}

export function oracle(windowMs: number): Map<string, OracleWindow> {
  const lines = run(['--oracle', '--window-ms', String(windowMs)])
    .trimEnd()
    .split('\n')
  return new Map(
    lines.map((line) => JSON.parse(line) as OracleWindow).map((one) => [`${one.vmId}@${one.windowStart}`, one]),
  )
}

/** Writes the lines in a format; returns the file's path. */
export async function write(folder: string, format: Format, lines: readonly string[]): Promise<string> {
  const path = join(folder, `day.${format}`)
  if (format === 'ndjson') writeFileSync(path, lines.join('\n') + '\n')
  else if (format === 'csv') writeFileSync(path, csv(lines))
  else await writeAvro(path, lines)
  return path
}

function csv(lines: readonly string[]): string {
  const rows = ['vmId,metric,timestamp,seq,value,windowStart,firstSeq,count']
  for (const line of lines) {
    const { manifest: m, ...p } = JSON.parse(line) as Line
    rows.push(
      m
        ? `${m.vmId},,,,,${m.windowStart},${m.firstSeq},${m.count}`
        : `${p.vmId},${p.metric},${p.timestamp},${p.seq},${p.value},,,`,
    )
  }
  return rows.join('\n') + '\n'
}

/** Written by avsc, not by us: the file is what another program would make. */
async function writeAvro(path: string, lines: readonly string[]): Promise<void> {
  const schemaOf = (name: string): avro.Schema =>
    loadSchemas()
      .find((one) => one.name === name && one.current)
      // With the defaults of the schema, which avsc writes for fields that the records below do not set.
      ?.type.schema({ exportAttrs: true }) as avro.Schema
  const union = avro.Type.forSchema([schemaOf('data-point'), schemaOf('window-manifest')] as avro.Schema, {
    wrapUnions: true,
  })
  const encoder = new avro.streams.BlockEncoder(union, { codec: 'deflate' })
  const file = createWriteStream(path)
  encoder.pipe(file)
  for (const line of lines) {
    const { manifest, ...point } = JSON.parse(line) as Line
    const record = manifest
      ? { 'windrow.WindowManifest': { ...manifest, firstSeq: { long: manifest.firstSeq } } }
      : { 'windrow.DataPoint': point }
    if (!encoder.write(record)) await new Promise((resume) => encoder.once('drain', resume))
  }
  encoder.end()
  await finished(file)
}
