/**
 * An example of a sink: appends each result as a line to a file, `--results lines:FILE`, with dead letters and
 * certificates in files beside it. It has no transactions, so it
 * publishes at least once. This folder is everything that the sink consists of, besides one line that registers it.
 */
import { appendFile } from 'node:fs/promises'
import type { AtLeastOncePublisher, OutboxBatch } from '../../../src/ports/index.ts'
import type { SinkDefinition, SinkSetting } from '../../../src/sinks/sink.ts'

interface LinesSetting extends SinkSetting {
  readonly kind: 'lines'
  readonly path: string
}

const PREFIX = 'lines:'

/** `onAppended` runs after a batch is stored and before the pipeline stores its marker. */
export function createLinesSink(onAppended: (batch: OutboxBatch) => void): SinkDefinition<LinesSetting> {
  return {
    kind: 'lines',
    form: 'lines:FILE',
    expects: 'lines: and a path',
    guarantee: 'At least once: a crash may repeat the lines of a commit.',
    parse: (text) => (text.startsWith(PREFIX) ? { kind: 'lines', path: text.slice(PREFIX.length) } : null),
    destination: ({ path }) => `lines in ${path}`,
    allowsSeveral: true,
    companions: ({ path }) => ({
      deadLetters: beside(path, 'dead-letters'),
      certificates: beside(path, 'certificates'),
    }),
    open: ({ results, deadLetters, certificates }) => {
      const publisher: AtLeastOncePublisher = {
        async publish(batch) {
          await append(results, batch.results)
          await append(deadLetters ?? results, batch.deadLetters)
          await append(certificates ?? results, batch.certificates)
          onAppended(batch)
        },
        close: () => Promise.resolve(),
      }
      const publishers = { open: () => Promise.resolve(publisher) }
      return Promise.resolve({ destination: `lines in ${results.path}`, delivery: 'at-least-once', publishers })
    },
  }
}

function beside(path: string, name: string): LinesSetting {
  return { kind: 'lines', path: `${path}.${name}` }
}

async function append({ path }: LinesSetting, lines: readonly string[]): Promise<void> {
  await appendFile(path, lines.map((line) => `${line}\n`).join(''), { flush: true })
}
