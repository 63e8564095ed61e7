/**
 * What a point or a manifest must look like whatever it came in: bounded ids, whole numbers that a double holds
 * exactly, finite values. Judged without windows or clocks, so every decoder applies the same rules.
 */
import type { DataPoint, WindowManifest } from './point.ts'

/** Longest vmId and metric, in UTF-16 code units. */
export const MAX_ID_CHARS = 512
/** Longest producer name, in UTF-16 code units. */
export const MAX_PRODUCER_CHARS = 128

/** What is wrong with a point's fields, naming field and value, or `null`. A missing seq is not wrong here. */
export function checkPoint(point: DataPoint): string | null {
  return (
    checkText('vmId', point.vmId, 1, MAX_ID_CHARS) ??
    checkText('producer', point.producer, 0, MAX_PRODUCER_CHARS) ??
    checkText('metric', point.metric, 1, MAX_ID_CHARS) ??
    checkInteger('timestamp', point.timestamp) ??
    (point.seq === null ? null : checkCount('seq', point.seq)) ??
    (Number.isFinite(point.value) ? null : `value is ${point.value}, expected a finite number`)
  )
}

/** What is wrong with a manifest's fields, naming field and value, or `null`. Alignment is judged elsewhere. */
export function checkManifest(manifest: WindowManifest): string | null {
  return (
    checkText('vmId', manifest.vmId, 1, MAX_ID_CHARS) ??
    checkText('producer', manifest.producer, 0, MAX_PRODUCER_CHARS) ??
    checkInteger('windowStart', manifest.windowStart) ??
    checkSeqs(manifest) ??
    checkNames(manifest.metrics ?? null)
  )
}

function checkSeqs({ firstSeq, count, counts }: WindowManifest): string | null {
  const problem = checkCount('count', count)
  if (problem !== null) return problem
  if (firstSeq === null)
    return counts === 'points' ? null : 'firstSeq is missing; only a manifest of points may lack it'
  if (Number.isSafeInteger(firstSeq + count)) return checkCount('firstSeq', firstSeq)
  return checkCount('firstSeq', firstSeq) ?? `firstSeq + count is ${firstSeq} + ${count}, beyond 2^53`
}

function checkNames(metrics: readonly string[] | null): string | null {
  if (metrics === null) return null
  if (metrics.length === 0) return 'metrics is empty; leave it out to expect whichever metrics come'
  for (const metric of metrics) {
    const problem = checkText('metrics', metric, 1, MAX_ID_CHARS)
    if (problem !== null) return problem
  }
  return null
}

function checkText(field: string, text: string, minChars: number, maxChars: number): string | null {
  if (text.length < minChars) return `${field} is empty`
  if (text.length > maxChars) return `${field} has ${text.length} characters, at most ${maxChars} are allowed`
  // Half a surrogate pair has no UTF-8 form: written out, two such ids would become one.
  if (LONE_SURROGATE.test(text)) return `${field} holds half a surrogate pair, which is no text`
  return null
}

const LONE_SURROGATE = /\p{Surrogate}/u

function checkInteger(field: string, value: number): string | null {
  return Number.isSafeInteger(value) ? null : `${field} is ${value}, expected a whole number within 2^53`
}

function checkCount(field: string, value: number): string | null {
  return Number.isSafeInteger(value) && value >= 0
    ? null
    : `${field} is ${value}, expected a whole number from 0 to 2^53`
}
