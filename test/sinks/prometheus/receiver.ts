/** A receiver of remote write for tests: it decodes requests as the gateway does, and answers what the test says. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { snappyDecompressRaw } from '../../../src/adapters/bytes/snappy.ts'
import { readRemoteWrite } from '../../../src/gateway/remote-write.ts'

export interface ReceivedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly at: number
  readonly value: number
}

export interface ReceivedRequest {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly samples: readonly ReceivedSample[]
}

export type Answer = readonly [status: number, text?: string]

const MAX_BYTES = 1 << 24

function samplesIn(body: Buffer): ReceivedSample[] {
  return readRemoteWrite(snappyDecompressRaw(body, MAX_BYTES)).map((result) => {
    if (result.kind !== 'reading') throw new Error(`not a sample: ${JSON.stringify(result)}`)
    const { metric: name, attributes, timestampMs: at, value } = result.reading
    return { name, labels: Object.fromEntries(attributes), at, value }
  })
}

/** `answer` is called once per request, before it is recorded. */
export async function startReceiver(answer: (request: ReceivedRequest) => Answer) {
  const requests: ReceivedRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { url = '', headers } = request
      const received = { url, headers, samples: samplesIn(Buffer.concat(chunks)) }
      const [status, text = ''] = answer(received)
      requests.push(received)
      response.writeHead(status).end(text)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/write`
  return { url, requests }
}

/** A database that keeps the last sample of each series, and rolls a request back as Prometheus does. */
export class OrderedDatabase {
  readonly stored = new Map<string, ReceivedSample[]>()

  answer({ samples }: ReceivedRequest): Answer {
    for (const sample of samples) {
      const last = this.stored.get(seriesOf(sample))?.at(-1)
      if (last === undefined || last.at < sample.at) continue
      if (last.at > sample.at) return [400, 'out of order sample\n']
      if (last.value !== sample.value) return [400, 'duplicate sample for timestamp\n']
    }
    for (const sample of samples) {
      const all = this.stored.get(seriesOf(sample)) ?? []
      if (all.at(-1)?.at !== sample.at) this.stored.set(seriesOf(sample), [...all, sample])
    }
    return [204]
  }
}

export function seriesOf({ name, labels }: Pick<ReceivedSample, 'name' | 'labels'>): string {
  return `${name} ${labels['metric']} ${labels['vm_id']}`
}
