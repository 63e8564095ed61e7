/** What `--results notify:APP/METHOD` names: a method of a Dapr app. */
import type { SinkSetting } from '../sink.ts'

export interface NotifySetting extends SinkSetting {
  readonly kind: 'notify'
  readonly app: string
  readonly method: string
}

/** How the sink names a place in messages. */
export function notifyDestination({ app, method }: NotifySetting): string {
  return `${method} of the app ${app}`
}
