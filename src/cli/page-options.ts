/** Options of the page: where it listens and who may change anything, for `windrow ui`, `run --ui` and `demo --ui`. */
import { withDefaults } from '../config/defaults.ts'
import { kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts'
import type { Client } from '../gateway/tokens.ts'
import { isLoopbackHost } from '../page/loopback.ts'
import type { CliContext } from './command.ts'
import { loadConfigFile } from './load-config.ts'
import { readTokens } from './read-tokens.ts'

export const DEFAULT_PAGE_PORT = 7070

/** What the page needs besides the settings of the job. */
export interface PagePlace {
  readonly host: string
  readonly port: number
  readonly clients: readonly Client[] | null
}

type Flags = Readonly<Record<string, unknown>>

/** Throws a ConfigurationError that lists every problem. */
export function readPageOptions(flags: Flags, env: CliContext['env']): PagePlace & { readonly config: Config } {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  // As for dead letters: brokers mean Kafka, since a job on files has none.
  const source = values.source ?? ((values.brokers?.length ?? 0) > 0 && values.input === undefined ? 'kafka' : 'files')
  const config = withDefaults({ ...values, ...(broken.has('source') ? {} : { source }) }, broken)
  const problems = [...wrong, ...(file?.isBroken === true ? [] : kafkaRules(config, placeIn(places)))]
  const place = readPlace(flags, problems)
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  return { ...place, config: config as Config }
}

function readPlace(flags: Flags, problems: ConfigurationProblem[]): PagePlace {
  const { host = '127.0.0.1', port, tokenFile } = flags as { host?: string; port?: string; tokenFile?: string }
  const addToken = (problem: string, remedy: string): void =>
    void problems.push({ place: '--token-file', problem, remedy })
  const clients = tokenFile === undefined ? null : readTokens(tokenFile, addToken)
  if (host === '')
    problems.push({ place: '--host', problem: 'is empty', remedy: 'Give an address, such as 127.0.0.1.' })
  else if (!isLoopbackHost(host) && tokenFile === undefined)
    problems.push({
      place: '--token-file',
      problem: `is missing, and other machines can connect to ${host}`,
      remedy: 'Give a file of lines NAME TOKEN: readers enter a token as the password. Or listen on 127.0.0.1.',
    })
  return { host, port: port === undefined ? DEFAULT_PAGE_PORT : readPort('--port', port, problems), clients }
}

function readPort(place: string, text: string, problems: ConfigurationProblem[]): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  const problem = `${JSON.stringify(text)} is not a port`
  problems.push({ place, problem, remedy: 'Give a number from 0 (any free port) to 65535.' })
  return 0
}

/** The value of `--ui [port]`; `null`: it is not given. */
export function readUiFlag(flag: unknown): number | null {
  if (flag === undefined || flag === false) return null
  if (flag === true) return DEFAULT_PAGE_PORT
  const problems: ConfigurationProblem[] = []
  const port = readPort('--ui', flag as string, problems)
  if (problems.length > 0) throw new ConfigurationError(problems)
  return port
}
