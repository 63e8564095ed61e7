/**
 * Dead letters in Avro: from the published JSON line to bytes, and from bytes back to the same line. Half a surrogate pair
 * at the end of a truncated `detail` is the only thing that is lost: it has no UTF-8.
 */
import { canonicalJson } from '../../core/json.ts'
import type { DeadLetter, LetterReason, QuarantinedVmWindow, RefusedRecord } from '../../ledger/dead-letter.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { createObjectEncoder } from './single-object.ts'

/** Returns an encoder of published lines. It throws a TypeError for a line that the schema does not fit. */
export function createDeadLetterEncoder(): (line: string) => Buffer {
  const encode = createObjectEncoder('dead-letter')
  return (line) => {
    const { reason, detail, ...rest } = JSON.parse(line) as DeadLetter
    if (!('place' in rest)) return encode({ reason, detail, vmWindow: rest })
    const { place, bytes } = rest
    // The two places are records of different types, so avsc needs the name of the type.
    const typed = { ['file' in place ? 'windrow.FilePlace' : 'windrow.TopicPlace']: place }
    return encode({ reason, detail, record: { ...rest, place: typed, bytes: Buffer.from(bytes, 'base64') } })
  }
}

interface StoredDeadLetter extends LetterReason {
  readonly record?: Omit<RefusedRecord, 'bytes'> & { readonly bytes: Buffer }
  readonly vmWindow?: QuarantinedVmWindow
}

/** Returns a decoder of any version of the schema. The line is the one that was published, byte for byte. */
export function createDeadLetterDecoder(): LineDecoder {
  return createLineDecoder('dead-letter', (value) => {
    const { reason, detail, record, vmWindow } = value as unknown as StoredDeadLetter
    const what = record === undefined ? vmWindow : { ...record, bytes: record.bytes.toString('base64') }
    return canonicalJson({ reason, detail, ...what })
  })
}
