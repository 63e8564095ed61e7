/** Runs the example of a command's help exactly as it is printed; `windrow` is the built program. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../../src/cli/commands.ts'
import { ROOT } from './built.ts'

export interface ExampleRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const loaded = await Promise.all(commands.map((listed) => listed.load()))

export function exampleOf(name: string): string {
  const command = loaded.find((one) => one.name === name)
  if (command === undefined) throw new Error(`there is no command ${name}`)
  return command.example.line
}

/** Runs a line of shell in `folder`. Lines with other ports or hosts than the example's replace them by `env`. */
export function runLine(line: string, folder: string, env: NodeJS.ProcessEnv = {}): Promise<ExampleRun> {
  const bin = join(folder, '.bin')
  mkdirSync(bin, { recursive: true })
  const program = join(bin, 'windrow')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist/cli/main.js')}' "$@"\n`)
  chmodSync(program, 0o755)
  const path = `${bin}:${process.env['PATH'] ?? ''}`
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', line],
      { cwd: folder, env: { ...process.env, PATH: path, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}
