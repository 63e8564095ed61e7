/** Starts the built `windrow ui`, or another command that prints the page's address, and ends it. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

export const MAIN = resolve('dist/cli/main.js')

export interface PageProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly end: () => Promise<void>
}

/** Standard error must be a pipe. */
export async function startPageProcess(args: readonly string[], options: SpawnOptions = {}): Promise<PageProcess> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  const url = await addressIn(child)
  return {
    ...{ child, url },
    async end() {
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      await ended
    },
  }
}

export function addressIn(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let text = ''
    child.stderr?.on('data', (part: Buffer) => {
      text += String(part)
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]
      if (url !== undefined) found(url)
    })
    child.once('exit', (code) => failed(new Error(`the process ended with ${code}: ${text}`)))
  })
}
