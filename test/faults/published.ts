/** Reads what a job has published, with the plain avsc library and the schemas published for readers. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import avro from 'avsc'
import { ROOT } from '../support/built.ts'
import { readTopic } from './read-topic.ts'
import type { PublishedDeadLetter, PublishedResult } from './oracle.ts'

const SINGLE_OBJECT_HEADER_BYTES = 10

async function readDecoded<T>(
  broker: string,
  topic: string,
  schema: string,
): Promise<{ partition: number; value: T }[]> {
  const text = await readFile(join(ROOT, 'schemas', schema), 'utf8')
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema)
  return (await readTopic(broker, topic)).map(({ partition, value }) => ({
    partition,
    value: type.fromBuffer(value.subarray(SINGLE_OBJECT_HEADER_BYTES)) as T,
  }))
}

export async function readResults(broker: string, job: string): Promise<PublishedResult[]> {
  const found = await readDecoded<PublishedResult>(broker, `${job}-results`, 'vm-window-result.avsc')
  return found.map(({ partition, value }) => ({ ...value, partition }))
}

export async function readDeadLetters(broker: string, job: string): Promise<PublishedDeadLetter[]> {
  interface DeadLetter {
    readonly reason: string
    readonly record: { readonly partition: number; readonly offset: number } | null
  }
  const found = await readDecoded<DeadLetter>(broker, `${job}-dead-letters`, 'dead-letter.avsc')
  return found.map(({ value: { reason, record } }) => deadLetterOf(reason, record))
}

/** `record` is `null` only for a VM window in quarantine, and this workload has none. */
export function deadLetterOf(
  reason: string,
  record: { readonly partition: number; readonly offset: number } | null,
): PublishedDeadLetter {
  const kind = reason === 'too-late' || reason === 'conflict' ? reason : 'broken'
  return { place: `${record?.partition}/${record?.offset}`, kind }
}
