/** What a dead letter keeps of its record, as a person can read it. Pure. */
import type { Decoded } from '../core/point.ts'
import type { RefusedRecord } from '../ledger/dead-letter.ts'

export interface KeptBytes {
  readonly bytes: Buffer
  /** Whether they are all of the record's bytes. */
  readonly isWhole: boolean
}

export function keptBytes(record: RefusedRecord): KeptBytes {
  const bytes = Buffer.from(record.bytes, 'base64')
  return { bytes, isWhole: bytes.length === record.size }
}

/** The input line that stands for a record that is one point or manifest; `null` for any other. */
export function lineOf(decoded: Decoded): string | null {
  if (decoded.kind !== 'point' && decoded.kind !== 'manifest') return null
  if (decoded.kind === 'manifest') return JSON.stringify({ manifest: decoded.manifest })
  return JSON.stringify(decoded.point)
}

const BYTES_A_LINE = 16
/** All but tab and line ends: a terminal must not be steered by what a stranger sent. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** Text where the bytes are some, except for a last character that was cut; else hexadecimal, 16 bytes a line. */
export function readableBytes({ bytes, isWhole }: KeptBytes): string {
  const text = new TextDecoder('utf-8').decode(bytes, { stream: !isWhole })
  if (!text.includes('\ufffd') && !CONTROLS.test(text)) return text
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const hex = bytes.subarray(at, at + BYTES_A_LINE).toString('hex')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.replace(/(..)(?=.)/g, '$1 ')}`)
  }
  return lines.join('\n')
}
