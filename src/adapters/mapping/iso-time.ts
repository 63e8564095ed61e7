/**
 * Reads the usual form of ISO 8601 straight from bytes: `2026-03-02T10:00:00`, with a space instead of the T, with any fraction,
 * and with `Z`, an offset such as `+01:00`, or no zone. The texts of a file are mostly of few days, so the last day is kept.
 */
import type { EpochMs } from '../../core/point.ts'
import type { BytesReader } from './text.ts'

const ZERO = 0x30
const DASH = 0x2d
const DOT = 0x2e
const COMMA = 0x2c
const COLON = 0x3a
const PLUS = 0x2b
const SPACE = 0x20
const LETTER_T = 0x54
const LETTER_Z = 0x5a
/** Length of `2026-03-02T10:00:00`. */
const SECONDS_LENGTH = 19
const MAX_FRACTION_DIGITS = 9

/** `toUtc` converts a time without a zone; `null`: such texts are not accepted. */
export function isoBytesReader(toUtc: ((local: EpochMs) => EpochMs) | null): BytesReader {
  let knownDay = -1
  let dayMs = Number.NaN

  return (bytes, start, end) => {
    if (end - start < SECONDS_LENGTH) return Number.NaN
    const divider = bytes[start + 10]
    if (divider !== LETTER_T && divider !== SPACE) return Number.NaN
    if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH) return Number.NaN
    if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return Number.NaN
    const century = twoDigits(bytes, start)
    const year = twoDigits(bytes, start + 2)
    const month = twoDigits(bytes, start + 5)
    const day = twoDigits(bytes, start + 8)
    const hour = twoDigits(bytes, start + 11)
    const minute = twoDigits(bytes, start + 14)
    const second = twoDigits(bytes, start + 17)
    if (century < 1 || year < 0 || month < 1 || month > 12 || day < 1) return Number.NaN
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN
    const whichDay = ((century * 100 + year) * 16 + month) * 128 + day
    if (whichDay !== knownDay) {
      knownDay = whichDay
      dayMs = Date.UTC(century * 100 + year, month - 1, day)
      // Date.UTC turns 30 February into 2 March.
      if (new Date(dayMs).getUTCDate() !== day) dayMs = Number.NaN
    }
    let ms = 0
    let at = start + SECONDS_LENGTH
    if (at < end && (bytes[at] === DOT || bytes[at] === COMMA)) {
      const first = ++at
      for (let scale = 100; at < end; at++, scale = Math.floor(scale / 10)) {
        const digit = (bytes[at] as number) - ZERO
        if (digit < 0 || digit > 9) break
        ms += digit * scale
      }
      if (at === first || at - first > MAX_FRACTION_DIGITS) return Number.NaN
    }
    const local = dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + ms
    if (at === end) return toUtc === null ? Number.NaN : toUtc(local)
    if (bytes[at] === LETTER_Z) return at + 1 === end ? local : Number.NaN
    if ((bytes[at] !== PLUS && bytes[at] !== DASH) || end - at !== 6 || bytes[at + 3] !== COLON) return Number.NaN
    const hours = twoDigits(bytes, at + 1)
    const minutes = twoDigits(bytes, at + 4)
    if (hours < 0 || minutes < 0) return Number.NaN
    const offset = (hours * 60 + minutes) * 60_000
    return bytes[at] === PLUS ? local - offset : local + offset
  }
}

/** -1 if they are no digits. */
function twoDigits(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - ZERO
  const ones = (bytes[at + 1] as number) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}
