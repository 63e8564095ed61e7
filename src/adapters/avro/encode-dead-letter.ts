/**
 * Dead letters in Avro single-object encoding, and back to the same JSON line. Only half a surrogate pair at the end of a
 * `detail` that was cut is lost: it has no UTF-8.
 */
import { canonicalJson } from '../../core/json.ts'
import type { DeadLetter, LetterReason, QuarantinedVmWindow, RefusedRecord } from '../../ledger/dead-letter.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { headerOf, Writer } from './writer.ts'

type Place = RefusedRecord['place']

const FIELDS_OF_A_RECORD = ['partition', 'offset', 'place', 'size', 'digest', 'bytes']
const FIELDS_OF_A_VM_WINDOW = ['vmId', 'windowStart', 'received']

/** Bytes of a published line. Throws a TypeError for a line with other members than the schema, rather than drop them. */
export function createDeadLetterEncoder(): (line: string) => Buffer {
  const header = headerOf('dead-letter')
  const writer = new Writer()

  return (line) => {
    const letter = JSON.parse(line) as DeadLetter
    const isRecord = 'place' in letter
    requireFields(letter, isRecord ? FIELDS_OF_A_RECORD : FIELDS_OF_A_VM_WINDOW)
    writer.begin(header)
    writer.writeString(letter.reason)
    writer.writeString(letter.detail)
    writer.writeNullable(isRecord ? letter : null, (record) => {
      writer.writeLong(record.partition)
      writer.writeLong(record.offset)
      writePlace(writer, record.place)
      writer.writeLong(record.size)
      writer.writeString(record.digest)
      writer.writeBytes(Buffer.from(record.bytes, 'base64'))
    })
    writer.writeNullable(isRecord ? null : letter, (window) => {
      writer.writeString(window.vmId)
      writer.writeLong(window.windowStart)
      writer.writeLong(window.received)
    })
    return writer.end()
  }
}

function writePlace(writer: Writer, place: Place): void {
  if ('file' in place) {
    writer.writeLong(0)
    writer.writeString(place.file)
    writer.writeLong(place.line)
  } else {
    writer.writeLong(1)
    writer.writeString(place.topic)
    writer.writeLong(place.partition)
  }
}

function requireFields(letter: object, fields: readonly string[]): void {
  const expected = ['reason', 'detail', ...fields].sort()
  const found = Object.keys(letter).sort()
  if (found.join() !== expected.join())
    throw new TypeError(`a dead letter has the members ${found.join(', ')}, expected ${expected.join(', ')}`)
}

interface StoredDeadLetter extends LetterReason {
  readonly record: (Omit<RefusedRecord, 'bytes'> & { readonly bytes: Buffer }) | null
  readonly vmWindow: QuarantinedVmWindow | null
}

/** Lines from bytes of any version of the schema; the line is the one that was published, byte for byte. */
export function createDeadLetterDecoder(): LineDecoder {
  return createLineDecoder('dead-letter', (value) => {
    const { reason, detail, record, vmWindow } = value as unknown as StoredDeadLetter
    const what = record === null ? vmWindow : { ...record, bytes: record.bytes.toString('base64') }
    return canonicalJson({ reason, detail, ...what })
  })
}
