/**
 * The notifying sink, `--results notify:APP/METHOD`: calls a method of a Dapr app after each commit that closes or amends a
 * window, with the certificate and without the results. The app fetches these where another sink publishes them.
 */
import type { SinkDefinition } from '../sink.ts'
import { notifyDestination, type NotifySetting } from './setting.ts'

const PREFIX = 'notify:'
/** No segment begins with a dot, since the sidecar would normalize `..`. */
const PLACE = /^([A-Za-z0-9][\w.-]*)\/([\w-][\w.-]*(?:\/[\w-][\w.-]*)*)$/

export const notifySink: SinkDefinition<NotifySetting> = {
  kind: 'notify',
  form: 'notify:APP/METHOD',
  expects: 'notify: and the id of a Dapr app, / and a method',
  guarantee: 'At least once: a crash may repeat a call, with the same idempotency key.',
  parse(text) {
    if (!text.startsWith(PREFIX)) return null
    const [, app, method] = PLACE.exec(text.slice(PREFIX.length)) ?? []
    if (app !== undefined && method !== undefined) return { kind: 'notify', app, method }
    return { problem: `${JSON.stringify(text)} names no app and method` }
  },
  destination: notifyDestination,
  needsDaprd: () => true,
  allowsSeveral: true,
  open: async ({ results }, context) => (await import('./open.ts')).openNotifySink(results, context),
}
