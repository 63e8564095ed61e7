/** Parses Prometheus' text format: series with their labels, and the metadata of each metric. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** One series: a line of the text. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function seriesIn(text: string): Series[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name = '', labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    return { name, labels: pairsIn(labels), value: Number(value) }
  })
}

function pairsIn(labels: string): Record<string, string> {
  const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
  return Object.fromEntries(pairs.map(([, label = '', value = '']) => [label, value]))
}

/** Description, unit and kind of each metric except `target_info`. */
export function metadataOf(text: string): Map<string, { help?: string; unit?: string; kind?: string }> {
  const metadata = new Map<string, { help?: string; unit?: string; kind?: string }>()
  for (const [, what, name, value] of text.matchAll(/^# (HELP|UNIT|TYPE) (\S+) (.*)$/gm)) {
    const one = metadata.get(name as string) ?? {}
    metadata.set(name as string, { ...one, [{ HELP: 'help', UNIT: 'unit', TYPE: 'kind' }[what as 'HELP']]: value })
  }
  metadata.delete('target_info')
  return metadata
}

export async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  return response.text()
}

/** A port that was free a moment ago; another process may take it at any time. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
