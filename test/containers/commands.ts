/** Runs programs of the machine and waits for them; failures carry what the program printed. */
import { spawn } from 'node:child_process'

export interface Ran {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: string
}

/** Runs a program to its end, whatever its exit code. */
export function runToEnd(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env } })
  const out: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A program that ends early leaves its input unread; its exit code shows whether it failed.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr }))
  })
}

/** What a program printed; throws unless its exit code is 0. */
export async function output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(program, args, options)
  if (code === 0) return stdout.toString()
  const said = `${stdout.toString()}\n${stderr}`.trim().slice(-4000)
  throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${said}`)
}

/** Whether a program exists and says so: its exit code with these arguments is 0. */
export async function works(program: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await runToEnd(program, args)).code === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
