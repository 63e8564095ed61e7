/** Flags of commands that send a request to the owner of a partition: the operator, the reason, how long to wait. */
import type { Command } from 'commander'
import type { Patience } from '../app/ask.ts'
import { parseDuration } from '../core/durations.ts'
import type { ConfigurationProblem } from '../errors/index.ts'
import { MAX_WHO_CHARS, MAX_WHY_CHARS } from '../ledger/requests.ts'

const DEFAULT_WAIT = '10s'

/** As commander parses them: text, or `true` for switches. */
export interface AskFlags {
  readonly by?: string
  readonly why?: string
  readonly wait?: string
  readonly leave?: true
}

export interface Asking extends Patience {
  readonly who: string
  readonly why: string
}

export function addAskFlags(command: Command): Command {
  return command
    .option('--by <who>', 'Operator name, recorded in the certificate')
    .option('--why <text>', 'Reason, recorded in the certificate')
    .option('--wait <duration>', `How long to wait for the owner's reply (${DEFAULT_WAIT})`)
    .option('--leave', 'If no owner replies, leave the request')
}

/** Adds every problem to `problems`. If it adds one, do not use the returned value. */
export function readAsking(flags: AskFlags, problems: ConfigurationProblem[]): Asking {
  const add = (place: string, problem: string, remedy: string): void => void problems.push({ place, problem, remedy })
  const who = textOf(flags, 'by', MAX_WHO_CHARS, add)
  const why = textOf(flags, 'why', MAX_WHY_CHARS, add)
  const waitMs = parseDuration(flags.wait ?? DEFAULT_WAIT)
  if (waitMs === null) add('--wait', `${JSON.stringify(flags.wait)} is not a duration`, 'Give one such as 10s or 1m.')
  return { who, why, waitMs: waitMs ?? 0, leave: flags.leave === true }
}

function textOf(
  flags: AskFlags,
  name: 'by' | 'why',
  maxChars: number,
  add: (place: string, problem: string, remedy: string) => void,
): string {
  const text = (flags[name] ?? '').trim()
  const remedy = name === 'by' ? 'Give the name of the operator.' : 'Give the reason on one line: it is stored.'
  if (text === '') add(`--${name}`, 'no value is given', remedy)
  else if (text.length > maxChars) add(`--${name}`, `${text.length} characters are more than ${maxChars}`, remedy)
  else if (/\p{Cc}/u.test(text)) add(`--${name}`, 'it contains a control character', remedy)
  return text
}
