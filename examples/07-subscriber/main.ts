/**
 * A subscriber: a daprd delivers the results of `--results pubsub:COMPONENT/TOPIC` to it, and it keeps the latest revision of
 * each VM window.
 *
 * An event may arrive twice: Windrow publishes at least once, and so does Dapr. Its id names the job, the window, the
 * revision and the VM, so a set of ids would recognize it. Comparing revisions does the same and needs no set: an event
 * that is not newer than what is stored changes nothing. In a program of your own, the map is a table, and the comparison
 * is part of its upsert.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const { APP_PORT = '6001', COMPONENT = 'pubsub-kafka', TOPIC = 'vm-results' } = process.env
/** Results are small; a longer body is none. */
const MAX_BODY_BYTES = 16 * 2 ** 20

interface ResultEvent {
  readonly id: string
  readonly data: { readonly vmId: string; readonly windowStart: number; readonly revision: number }
}

const latest = new Map<string, ResultEvent['data']>()

function take({ id, data }: ResultEvent): void {
  const key = `${data.windowStart} ${data.vmId}`
  const known = latest.get(key)
  const isNew = known === undefined || known.revision < data.revision
  if (isNew) latest.set(key, data)
  console.log(`${isNew ? 'stored' : 'repeated'} ${id}`)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/dapr/subscribe') {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify([{ pubsubname: COMPONENT, topic: TOPIC, route: '/results' }]))
  } else if (request.url === '/results') {
    take(JSON.parse(await textOf(request)) as ResultEvent)
    // Only now: daprd delivers an event again unless it is answered with success.
    response.end()
  } else {
    response.writeHead(404).end()
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    response.writeHead(500).end()
  })
})
server.listen(Number(APP_PORT), '127.0.0.1', () => console.log(`subscribes to ${TOPIC} of ${COMPONENT}`))
