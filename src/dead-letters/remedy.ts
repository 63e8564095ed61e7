/** What to do about a dead letter, by its reason, in a sentence. */
import type { DeadLetterReason } from '../core/fate.ts'

const FORMAT = 'Check the format of the input and the mapping of its fields, or send the record repaired.'
const LIMITS = 'If such records are meant, read the topic with a job that has a higher limit.'
const NEVER = 'No setting makes the record usable: correct it at its producer, or send it repaired.'

const REMEDIES: Readonly<Record<DeadLetterReason, string>> = {
  undecodable: FORMAT,
  oversized: 'Send smaller records, or raise maxRecordBytes.',
  'unknown-schema': 'Register the schema at the schema registry that the job uses, then send the record again.',
  invalid: FORMAT,
  'implausible-time': 'Check the unit of the timestamps; if these years are meant, use allowAnyYear.',
  'integer-beyond-2^53': 'Send the number as a decimal, or scaled: a double cannot represent it.',
  'value-out-of-range': NEVER,
  'timestamp-out-of-range': NEVER,
  'ahead-of-time': 'Correct the clock of the VM. Once that time has come, the record can be sent unchanged.',
  'seq-span': `The seq is too far from the others of its VM window: a producer has probably lost its counter. ${LIMITS}`,
  'too-many-metrics': LIMITS,
  'too-many-producers': LIMITS,
  'manifest-misaligned': 'Correct windowStart to the start of a window, at the producer.',
  'manifest-too-large': LIMITS,
  'manifest-mixed': 'Let the producer count either samples or points in all manifests of a window.',
  conflict: 'Another record holds its identity. Send it repaired, with another seq or producer.',
  'too-late': 'Its window cannot be amended any more. Replay the job, or use a job with more amendWindows.',
  quarantined: 'The aggregator failed on this VM window. Correct it, then replay the job.',
}

export function remedyOf(reason: string): string {
  const known: Readonly<Record<string, string | undefined>> = REMEDIES
  return known[reason] ?? 'See docs/reference/results.md.'
}
