/** What `--results binding:COMPONENT` names: an operation of a Dapr output binding. */
import type { SinkSetting } from '../sink.ts'

export interface BindingSetting extends SinkSetting {
  readonly kind: 'binding'
  readonly component: string
  readonly operation: string
}

/** How the sink names a place in messages. */
export function bindingDestination({ component, operation }: BindingSetting): string {
  return operation === 'create' ? `binding ${component}` : `${operation} of the binding ${component}`
}
