/** Flags of commands that ask something of a partition's owner: who wants it and why, and how long to wait. */
import type { Command } from 'commander'
import type { Patience } from '../app/ask.ts'
import { parseDuration } from '../core/durations.ts'
import type { ConfigurationProblem } from '../errors/index.ts'
import { MAX_WHO_CHARS, MAX_WHY_CHARS } from '../ledger/requests.ts'

const DEFAULT_WAIT = '10s'

/** As commander has them: text, or `true` for switches. */
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
    .option('--by <who>', 'Who wants it; for certificate and log')
    .option('--why <text>', 'And why')
    .option('--wait <duration>', `How long to wait for an owner (${DEFAULT_WAIT})`)
    .option('--leave', 'Leave the request where no owner comes')
}

/** Adds what is wrong to `problems`; what is returned then is not to be used. */
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
  const remedy = name === 'by' ? 'Give a name that others know.' : 'Give the reason in a line: it is kept.'
  if (text === '') add(`--${name}`, 'nothing is given', remedy)
  else if (text.length > maxChars) add(`--${name}`, `${text.length} characters are more than ${maxChars}`, remedy)
  else if (/\p{Cc}/u.test(text)) add(`--${name}`, 'there is a control character in it', remedy)
  return text
}
