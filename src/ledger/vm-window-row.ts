/** Encodes rows that hold a VM window so that they fit into a value of the state store and into a workflow's input (I8). */
import { canonicalJson, type JsonOf, type JsonText } from '../core/json.ts'
import { maxOutputRowBytes, ORDER_FRAME_BYTES } from '../core/payload-bound.ts'
import type { VmWindow } from '../core/vm-window.ts'
import { messageOf } from '../errors/index.ts'

/**
 * The text of a row. `row` encodes it from `vm`. An accumulator that cannot be stored is a failure of the user's
 * aggregator: it puts its own VM window in quarantine and holds up no other.
 */
export function vmWindowRow<Row>(vm: VmWindow, maxValueBytes: number, row: () => Row & JsonOf<Row>): JsonText<Row> {
  // A workflow's input also holds the state before the window, times and rules.
  const maxBytes = maxValueBytes - maxOutputRowBytes(maxValueBytes) - ORDER_FRAME_BYTES
  try {
    const text = canonicalJson(row())
    const bytes = Buffer.byteLength(text)
    if (bytes <= maxBytes || vm.failure !== null) return text
    vm.fail(`encode: the VM window takes ${bytes} bytes; maxValueBytes leaves it ${maxBytes}`)
  } catch (error) {
    // A row without an accumulator does not run the user's code, so this error is ours.
    if (vm.failure !== null) throw error
    vm.fail(`encode: ${messageOf(error)}`)
  }
  return canonicalJson(row())
}
