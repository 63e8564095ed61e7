/**
 * The binding sink, `--results binding:COMPONENT`: each result as a CloudEvent to a Dapr output binding, with the operation
 * `create` unless another one is named: `binding:COMPONENT/OPERATION`.
 */
import type { SinkDefinition } from '../sink.ts'
import { bindingDestination, type BindingSetting } from './setting.ts'

const PREFIX = 'binding:'
const PLACE = /^([\w.-]+)(?:\/([\w-]+))?$/

export const bindingSink: SinkDefinition<BindingSetting> = {
  kind: 'binding',
  form: 'binding:COMPONENT',
  expects: 'binding: and the name of a Dapr component',
  guarantee:
    'At least once: a crash may repeat the calls of a commit. Bindings that store files or objects replace them.',
  parse(text) {
    if (!text.startsWith(PREFIX)) return null
    const [, component, operation = 'create'] = PLACE.exec(text.slice(PREFIX.length)) ?? []
    if (component !== undefined) return { kind: 'binding', component, operation }
    return { problem: `${JSON.stringify(text)} names no component` }
  },
  destination: bindingDestination,
  needsDaprd: () => true,
  allowsSeveral: true,
  open: async ({ results }, context) => (await import('./open.ts')).openBindingSink(results, context),
}
