/** Reads the file with the tokens of clients, for the gateway and for the page. */
import { readFileSync } from 'node:fs'
import { messageOf } from '../errors/index.ts'
import { parseTokens, type Client } from '../gateway/tokens.ts'

/** Calls `add` for each problem. */
export function readTokens(path: string, add: (problem: string, remedy: string) => void): readonly Client[] {
  try {
    const { clients, problems } = parseTokens(readFileSync(path, 'utf8'))
    for (const problem of problems) add(`${path}: ${problem}`, 'Give one line NAME TOKEN per client.')
    return clients
  } catch (error) {
    add(`cannot read ${JSON.stringify(path)} (${messageOf(error)})`, 'Give a readable file.')
    return []
  }
}
