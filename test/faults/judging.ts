/** A small topic, and what an exact processor publishes of it, for tests of the judge. */
import { expectedOf, type Expected } from './expected.ts'
import type { Published, PublishedResult } from './oracle.ts'
import type { TopicRecord } from './read-topic.ts'
import { Workload } from './workload.ts'

export interface Case {
  readonly expected: Expected
  readonly published: Published & { readonly results: readonly PublishedResult[] }
}

/** Three windows of 24 VMs in two partitions. */
export function exactCase(seed: number): Case {
  const workload = new Workload({ seed, vms: 24 })
  const lines = [...workload.next(), ...workload.next(), ...workload.next(), ...workload.rest()]
  const ends = new Map<number, number>()
  const records = lines.map((line): TopicRecord => {
    const [vmId = '', value = ''] = line.split('\t')
    const partition = Number(vmId.slice(-1)) % 2
    const offset = ends.get(partition) ?? 0
    ends.set(partition, offset + 1)
    return { partition, offset, value: Buffer.from(value) }
  })
  const expected = expectedOf(records)
  const results = [...expected.vmWindows.values()]
    .sort((a, b) => a.windowStart - b.windowStart)
    .map(({ vmId, windowStart, partition, expected: promised, received, sum, min, max, ...lifetime }) => ({
      ...{ vmId, windowStart, partition, revision: 1, reason: received === promised ? 'complete' : 'grace' },
      ...{ expected: promised, received, missingCount: promised - received },
      metrics: { cpu: { count: received, sum, min, max } },
      state: JSON.stringify({ cpu: lifetime }),
    }))
  return { expected, published: { results, deadLetters: [...expected.deadLetters], counts: expected.counts } }
}
