/** What a job has published, decoded with the plain avsc library and the schemas that readers are given. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import avro from 'avsc'
import { ROOT } from '../support/built.ts'
import { readTopic } from './read-topic.ts'
import type { PublishedResult } from './oracle.ts'

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

/** `partition/offset` of each refused record. */
export async function readDeadLetters(broker: string, job: string): Promise<string[]> {
  interface DeadLetter {
    readonly record: { readonly partition: number; readonly offset: number } | null
  }
  const found = await readDecoded<DeadLetter>(broker, `${job}-dead-letters`, 'dead-letter.avsc')
  return found.map(({ value: { record } }) => `${record?.partition}/${record?.offset}`)
}
