/** Opens the notifying sink for a run. */
import { invokeApp } from '../../adapters/dapr/invoke.ts'
import type { AtLeastOncePublisher, Sink } from '../../ports/index.ts'
import type { SinkContext } from '../sink.ts'
import { notifyDestination, type NotifySetting } from './setting.ts'

/** Larger certificates are sent by reference: lists of missing points and amended windows make them long. */
export const MAX_NOTIFIED_BYTES = 64 * 1024

export function openNotifySink(setting: NotifySetting, context: SinkContext): Sink {
  const { app, method } = setting
  const publisher: AtLeastOncePublisher = {
    async publish({ certificates }) {
      for (const line of certificates) {
        const { idempotencyKey, body } = notificationOf(line)
        const { timeoutMs, ...sidecar } = context.invocation
        await invokeApp(sidecar, { app, method, body, idempotencyKey, timeoutMs })
      }
    },
    close: () => Promise.resolve(),
  }
  return {
    destination: notifyDestination(setting),
    delivery: 'at-least-once',
    publishers: { open: () => Promise.resolve(publisher) },
  }
}

/** The members of a certificate that a notification has in each case. */
interface Certified {
  readonly job: string
  readonly partition: number
  readonly sequence: number
  readonly window: { readonly start: number; readonly end: number } | null
  readonly results: object
  readonly digest: string
}

/** `certificate`: the line as all sinks publish it. It is `null` in the body if it is too long. */
export function notificationOf(certificate: string): { readonly idempotencyKey: string; readonly body: Buffer } {
  const { job, partition, sequence, window, results, digest } = JSON.parse(certificate) as Certified
  const isWhole = Buffer.byteLength(certificate) <= MAX_NOTIFIED_BYTES
  const reference = JSON.stringify({ job, partition, sequence, window, results, digest })
  return {
    idempotencyKey: `${job}/${partition}/${sequence}`,
    // The line is not parsed and written again, so it has the bytes that the other destinations have.
    body: Buffer.from(`${reference.slice(0, -1)},"certificate":${isWhole ? certificate : 'null'}}`, 'utf8'),
  }
}
