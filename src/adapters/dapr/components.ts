/**
 * Calls of a sidecar's components: messages for a pub/sub topic, and calls of an output binding. Errors are classified here:
 * a component that is missing, a topic that the sidecar may not publish to and a message that is too large fail in the same
 * way each time; everything else may pass.
 */
import { status } from '@grpc/grpc-js'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { grpcStatusOf, isDeniedApi, sidecarError } from './grpc-errors.ts'
import type { BindingCall, DaprApi, PublishedEvent } from './runtime-api.ts'

/** A component waits for its broker; the sidecar has no limit of its own. */
const COMPONENT_LIMIT = { timeoutMs: 30_000 }
const METADATA_LIMIT = { timeoutMs: 5_000 }

/** Resolves when the component has acknowledged the message. The same message may be stored twice after a lost reply. */
export async function publishToTopic(api: DaprApi, event: PublishedEvent): Promise<void> {
  try {
    await api.publishEvent(event, COMPONENT_LIMIT)
  } catch (error) {
    throw componentError(error, `publishing to ${event.topic} of the component ${event.pubsubName}`)
  }
}

/** Resolves when the binding has answered. The same call may take effect twice after a lost reply. */
export async function callBinding(api: DaprApi, call: BindingCall): Promise<void> {
  try {
    await api.invokeBinding(call, COMPONENT_LIMIT)
  } catch (error) {
    throw componentError(error, `calling ${call.operation} of the binding ${call.name}`)
  }
}

/**
 * Throws COMPONENT_MISSING unless the sidecar has loaded this component. A sidecar whose Configuration does not allow the
 * metadata API is not checked: the first call finds out.
 *
 * @param block first part of the component's type: `pubsub` or `bindings`
 */
export async function requireComponent(api: DaprApi, block: 'pubsub' | 'bindings', name: string): Promise<void> {
  let components
  try {
    components = (await api.getMetadata(METADATA_LIMIT)).components
  } catch (error) {
    if (isDeniedApi(error)) return
    throw componentError(error, `reading the components of the sidecar`)
  }
  const usable = components.filter(({ type }) => type.startsWith(`${block}.`)).map((one) => one.name)
  if (usable.includes(name)) return
  const known = usable.length === 0 ? 'none' : usable.join(', ')
  throw new WindrowError(`the sidecar has no component ${name} of the type ${block}; it has ${known}`, {
    code: 'COMPONENT_MISSING',
  })
}

const MISSING = /pubsub '.*' not found|pubsub .* is not (found|configured)|couldn't find output binding/i
const TOO_LARGE = /message was too large|larger than|message too large|MaxMessageBytes|record too large/i
const UNSUPPORTED = /does not support operation/i

function componentError(error: unknown, doing: string): WindrowError {
  if (error instanceof WindrowError) return error
  const text = messageOf(error)
  const failed = (code: 'COMPONENT_MISSING' | 'COMPONENT_FORBIDDEN' | 'MESSAGE_TOO_LARGE'): WindrowError =>
    new WindrowError(`${doing}: ${text}`, { code, cause: error })
  if (MISSING.test(text) || UNSUPPORTED.test(text)) return failed('COMPONENT_MISSING')
  if (grpcStatusOf(error) === status.PERMISSION_DENIED) return failed('COMPONENT_FORBIDDEN')
  if (TOO_LARGE.test(text)) return failed('MESSAGE_TOO_LARGE')
  return sidecarError(error, 'COMPONENT', doing)
}
