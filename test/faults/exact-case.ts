/** A small topic, and what the pipeline publishes for it over in-memory ports without faults; for tests of the oracle. */
import { createJsonDecoder } from '../../src/adapters/json/decode.ts'
import { addFates, NO_FATES } from '../../src/core/fate.ts'
import type { DeadLetter, RefusedRecord } from '../../src/ledger/dead-letter.ts'
import { makeJob } from '../support/job.ts'
import { RULES } from '../support/records.ts'
import { expectedOf, type Expected } from './expected.ts'
import type { Published, PublishedDeadLetter, PublishedResult } from './oracle.ts'
import { deadLetterOf } from './published.ts'
import type { TopicRecord } from './read-topic.ts'
import { GRACE_MS, WINDOW_MS, Workload } from './workload.ts'

export interface Case {
  readonly expected: Expected
  readonly published: Published
}

const PARTITIONS = 2

/** Twelve windows of 24 VMs in two partitions, with many late records. */
export async function exactCase(seed: number, { vms = 24, windows = 12, lateShare = 0.1 } = {}): Promise<Case> {
  const workload = new Workload({ seed, vms, lateShare })
  const lines = [...Array.from({ length: windows }, () => workload.next()).flat(), ...workload.rest()]
  const partitions = Array.from({ length: PARTITIONS }, (): TopicRecord[] => [])
  for (const line of lines) {
    const [vmId = '', value = ''] = line.split('\t')
    const partition = Number(vmId.slice(-1)) % PARTITIONS
    const records = partitions[partition]
    records?.push({ partition, offset: records.length, value: Buffer.from(value) })
  }
  const published = await Promise.all(partitions.map(publishedOf))
  return {
    expected: expectedOf(partitions.flat()),
    published: {
      results: published.flatMap(({ results }) => results),
      deadLetters: published.flatMap(({ deadLetters }) => deadLetters),
      counts: published.map(({ counts }) => counts).reduce(addFates, NO_FATES),
    },
  }
}

async function publishedOf(records: readonly TopicRecord[], partition: number): Promise<Published> {
  const decoder = createJsonDecoder()
  const decoded = records.map(({ offset, value }) => ({
    ...{ offset, brokerTimestampMs: null, decoded: decoder.decode(value) },
    raw: () => ({ bytes: value, place: { topic: 'in', partition } }),
  }))
  const job = makeJob(decoded, { rules: { ...RULES, sizeMs: WINDOW_MS, graceMs: GRACE_MS } })
  await job.run()
  const results = job.results.results.map((line): PublishedResult => {
    const result = JSON.parse(line) as Omit<PublishedResult, 'state'> & { readonly state: unknown }
    return { ...result, partition, state: JSON.stringify(result.state) }
  })
  const deadLetters = job.results.deadLetters.map((line): PublishedDeadLetter => {
    const letter = JSON.parse(line) as DeadLetter & RefusedRecord
    return deadLetterOf(letter.reason, { ...letter, partition })
  })
  return { results, deadLetters, counts: (await job.ledger()).counts }
}
