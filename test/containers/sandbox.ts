/**
 * Namespaces of Linux for programs that a test starts: their own network, mounts and processes. The machine gets no port, no
 * rule and no mount from them, and when the sandbox ends, all of it is gone with everything that runs inside. Needs root.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { output, runToEnd, type Ran, type RunOptions } from './commands.ts'

/**
 * The first process of the sandbox. Names of further network namespaces stay inside, /run/netns being its own, and so do the
 * cgroups that a container engine would look for below its own.
 */
const FIRST_PROCESS = [
  'mount --make-rprivate /',
  'mount --make-rshared /',
  'mkdir -p /run/netns',
  'mount -t tmpfs tmpfs /run/netns',
  'ip link set lo up',
  'echo ready',
  'exec sleep infinity',
].join(' && ')

export class Sandbox {
  readonly #holder: ChildProcess
  /** The process id of the first process, as the machine sees it. */
  readonly #pid: number

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder
    this.#pid = pid
  }

  static async create(): Promise<Sandbox> {
    // If this process dies, the kernel ends the sandbox.
    const namespaces = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', ...namespaces, 'sh', '-c', FIRST_PROCESS], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    holder.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ready = once(holder.stdout, 'data')
    const failed = once(holder, 'close').then(([code]) => {
      throw new Error(`the sandbox could not be made, which needs root: unshare ended with ${code}: ${said}`)
    })
    await Promise.race([ready, failed])
    failed.catch(() => undefined)
    const children = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8')
    return new Sandbox(holder, Number(children.trim()))
  }

  /** Program and arguments that run a program inside. */
  enter(program: string, args: readonly string[]): readonly [program: string, args: string[]] {
    return ['nsenter', ['--target', `${this.#pid}`, '--net', '--mount', '--pid', program, ...args]]
  }

  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ran> {
    return runToEnd(...this.enter(program, args), options)
  }

  output(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
    return output(...this.enter(program, args), options)
  }

  /** Ends everything that runs inside. */
  async end(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return
    const ended = once(this.#holder, 'exit')
    process.kill(this.#pid, 'SIGKILL')
    await ended
  }
}
