/** Rows that hold a VM window, within what a value of the store and a workflow's input take (I8). */
import { canonicalJson, type Json } from '../core/json.ts'
import { maxOutputRowBytes, ORDER_FRAME_BYTES } from '../core/payload-bound.ts'
import type { VmWindow } from '../core/vm-window.ts'
import { messageOf } from '../errors/index.ts'

/**
 * A row of a VM window. An accumulator that cannot be stored is a failure of the user's aggregator: it puts its VM window
 * in quarantine and holds up no other.
 */
export function vmWindowRow(vm: VmWindow, maxValueBytes: number, row: () => Json): string {
  // What a workflow's input has around a VM window: the state before, times, rules.
  const maxBytes = maxValueBytes - maxOutputRowBytes(maxValueBytes) - ORDER_FRAME_BYTES
  try {
    const text = canonicalJson(row())
    const bytes = Buffer.byteLength(text)
    if (bytes <= maxBytes || vm.failure !== null) return text
    vm.fail(`encode: the VM window takes ${bytes} bytes; maxValueBytes leaves it ${maxBytes}`)
  } catch (error) {
    // Without its accumulator there is nothing left that a user's code could get wrong.
    if (vm.failure !== null) throw error
    vm.fail(`encode: ${messageOf(error)}`)
  }
  return canonicalJson(row())
}
