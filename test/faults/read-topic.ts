/** Reads a topic as an independent `read_committed` reader sees it: with kcat (librdkafka), without code of Windrow. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly value: Buffer
}

const MAX_BYTES = 2 * 1024 ** 3

/** All records that the topic contains now, in the order of partitions and offsets. */
export async function readTopic(brokers: string, topic: string): Promise<TopicRecord[]> {
  // %p partition, %o offset, %S bytes of the value, %s the value.
  const args = ['-C', '-b', brokers, '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%p %o %S %s']
  const { stdout } = await promisify(execFile)('kcat', [...args, '-X', 'isolation.level=read_committed'], {
    encoding: 'buffer',
    maxBuffer: MAX_BYTES,
  })
  const records: TopicRecord[] = []
  for (let at = 0; at < stdout.length;) {
    const numbers: number[] = []
    while (numbers.length < 3) {
      const end = stdout.indexOf(0x20, at)
      numbers.push(Number(stdout.toString('latin1', at, end)))
      at = end + 1
    }
    const [partition = 0, offset = 0, size = 0] = numbers
    const bytes = Math.max(0, size)
    records.push({ partition, offset, value: stdout.subarray(at, at + bytes) })
    at += bytes
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}
