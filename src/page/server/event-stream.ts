/**
 * GET /v1/events: server-sent events for every closed window and revision. The id of an event is the sequence of the last certificate
 * of each partition that the stream has sent, so a stream resumes exactly, also at another process.
 */
import type { ServerResponse } from 'node:http'
import type { CloseReason } from '../../core/closing.ts'
import type { PageEvents, ProblemAnswer } from '../answers.ts'
import type { CertificateIndex, IndexedCertificate } from '../results/certificate-index.ts'

const HEARTBEAT_MS = 15_000
/** A client that reads too slowly is disconnected; it resumes where it was. */
const MAX_BUFFERED_BYTES = 1024 * 1024
const MAX_CLIENTS = 200
/** Sequences by partition. */
type Seen = Map<number, number>

interface Client {
  readonly response: ServerResponse
  readonly seen: Seen
}

export class EventStream {
  readonly #clients = new Set<Client>()
  readonly #heartbeat: NodeJS.Timeout

  constructor() {
    this.#heartbeat = setInterval(() => this.#each((client) => this.#write(client, ':\n\n')), HEARTBEAT_MS).unref()
  }

  get size(): number {
    return this.#clients.size
  }

  get isFull(): boolean {
    return this.#clients.size >= MAX_CLIENTS
  }

  /**
   * Begins a stream, whose headers have been sent. `lastEventId`: the header; with a valid one everything after it is sent first.
   * `certificates` is `null` while the job has not been read.
   */
  open(
    response: ServerResponse,
    lastEventId: string | undefined,
    hello: PageEvents['hello'],
    certificates: CertificateIndex | null,
    problem: ProblemAnswer | null,
  ): void {
    const resumed = lastEventId === undefined ? null : parseId(lastEventId)
    const client: Client = { response, seen: resumed ?? certificates?.heads() ?? new Map<number, number>() }
    this.#clients.add(client)
    response.once('close', () => this.#clients.delete(client))
    this.#write(client, eventText('hello', hello))
    if (problem !== null) this.#write(client, eventText('problem', problem))
    if (certificates !== null && resumed !== null) this.#catchUp(client, certificates, hello.snapshot)
  }

  /** There is a new snapshot: its certificates become events. */
  publish(certificates: CertificateIndex, snapshot: string): void {
    this.#each((client) => {
      this.#catchUp(client, certificates, snapshot)
      this.#write(client, eventText('snapshot', { snapshot }))
    })
  }

  problem(problem: ProblemAnswer): void {
    this.#each((client) => this.#write(client, eventText('problem', problem)))
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#each(({ response }) => response.end())
  }

  #each(use: (client: Client) => void): void {
    for (const client of this.#clients) use(client)
  }

  #catchUp(client: Client, certificates: CertificateIndex, snapshot: string | null): void {
    const { seen } = client
    const missed = certificates.all().filter(({ partition, sequence }) => sequence > (seen.get(partition) ?? 0))
    if (missed.length === 0) return
    // In one partition certificates follow each other without a gap, unless older ones are not known any more.
    const isWhole = isWithoutGap(seen, missed)
    if (!isWhole) this.#write(client, eventText('reset', { snapshot }))
    for (const certificate of missed) {
      seen.set(certificate.partition, Math.max(certificate.sequence, seen.get(certificate.partition) ?? 0))
      if (isWhole) for (const text of eventsOf(certificate, idOf(seen))) this.#write(client, text)
    }
  }

  #write(client: Client, text: string): void {
    const { response } = client
    response.write(text)
    if (response.writableLength <= MAX_BUFFERED_BYTES) return
    this.#clients.delete(client)
    response.destroy()
  }
}

function isWithoutGap(seen: Seen, missed: readonly IndexedCertificate[]): boolean {
  const first = new Map<number, number>()
  for (const { partition, sequence } of missed) {
    first.set(partition, Math.min(sequence, first.get(partition) ?? Infinity))
  }
  return [...first].every(([partition, sequence]) => sequence === (seen.get(partition) ?? 0) + 1)
}

function eventsOf(certificate: IndexedCertificate, id: string): string[] {
  const { partition, sequence, window, reason, vmWindows, expected, received, missingCount } = certificate
  const { changed, changedVmWindows, isPromotion } = certificate
  const texts: string[] = []
  if (changed.length > 0) {
    const revised = { partition, sequence, vmWindows: changedVmWindows, windows: changed, isPromotion }
    // Of two events of a certificate only the last one has the id: a stream that breaks in between repeats both.
    texts.push(eventText('revised', revised, window === null ? id : undefined))
  }
  if (window !== null) {
    const { start: windowStart, end: windowEnd } = window
    const facts = { windowStart, windowEnd, reason: reason as CloseReason, expected, received, missingCount }
    texts.push(eventText('closed', { partition, sequence, vmWindows, ...facts }, id))
  }
  return texts
}

function eventText<K extends keyof PageEvents>(kind: K, data: PageEvents[K], id?: string): string {
  // JSON has no line breaks, which would end the event.
  return `event: ${kind}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}

/** `4.3.0.9`: sequences of the partitions 0, 1, 2, 3. */
function idOf(seen: Seen): string {
  const last = Math.max(-1, ...seen.keys())
  return Array.from({ length: last + 1 }, (_, partition) => seen.get(partition) ?? 0).join('.')
}

/** `null`: not an id of this stream. */
function parseId(text: string): Seen | null {
  if (!/^\d{1,15}(?:\.\d{1,15}){0,100000}$/.test(text)) return null
  return new Map(text.split('.').map((sequence, partition) => [partition, Number(sequence)]))
}
