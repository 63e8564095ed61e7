/**
 * The processors of a run: one `windrow run` per slot, each with its own sidecar as long as there are enough sidecars. A
 * processor that exits unexpectedly is restarted, as a supervisor does in production, and counted.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start, type Ended, type Running } from '../support/windrow-process.ts'
import { arm, type ArmedFault } from './armed-fault.ts'
import type { InjectionPoint } from './injection-points.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

export interface ProcessorsOptions {
  /** Arguments of `windrow run`. */
  readonly args: readonly string[]
  /** gRPC port of the sidecar of a slot. */
  readonly portOf: (slot: number) => number
  /** Folder of the files that name a processor's injection point. */
  readonly folder: string
  /** Name of a negative control: the fault that their ports have. */
  readonly control?: string | undefined
  readonly onLine: (slot: number, line: LogLine) => void
  /** A processor exited although no fault was injected and no shutdown was requested; it is restarted. */
  readonly onDeath: (slot: number, ended: Ended) => void
}

const INJECT_AT = fileURLToPath(new URL('./inject-at.cjs', import.meta.url))
const CONTROL = new URL('./controls/preload.mjs', import.meta.url).href
const MAX_RECENT_LINES = 60

export class Processor {
  readonly slot: number
  readonly running: Running
  /** Its last log lines, for a dump. */
  readonly recent: string[] = []
  hasEnded = false
  /** Whether the harness has killed it or requested its shutdown. */
  isEndExpected = false
  readonly #injectFile: string

  constructor(slot: number, running: Running, injectFile: string) {
    this.slot = slot
    this.running = running
    this.#injectFile = injectFile
  }

  /** Sends the signal as soon as the processor reaches the point. */
  arm(point: InjectionPoint, signal: ArmedFault['signal']): void {
    if (signal === 'SIGKILL') this.isEndExpected = true
    arm(this.#injectFile, { ...point, signal })
  }

  get isArmed(): boolean {
    return existsSync(this.#injectFile)
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.isEndExpected = true
    this.running.child.kill(signal)
  }
}

export class Processors {
  /** Processors that exited unexpectedly. */
  readonly deaths: string[] = []
  readonly #options: ProcessorsOptions
  readonly #slots = new Map<number, Processor>()

  constructor(options: ProcessorsOptions) {
    this.#options = options
  }

  get all(): readonly Processor[] {
    return [...this.#slots.values()]
  }

  at(slot: number): Processor {
    const processor = this.#slots.get(slot)
    if (processor === undefined) throw new Error(`there is no processor in slot ${slot}`)
    return processor
  }

  /** Starts a processor in the slot. `armedAt`: kills it at this point. */
  start(slot: number, armedAt?: InjectionPoint, args = this.#options.args): Processor {
    const { portOf, folder, control } = this.#options
    const injectFile = join(folder, `inject-${slot}.json`)
    rmSync(injectFile, { force: true })
    const running = start(args, {
      DAPR_GRPC_PORT: String(portOf(slot)),
      NODE_OPTIONS: `--require ${INJECT_AT}${control === undefined ? '' : ` --import ${CONTROL}`}`,
      WINDROW_INJECT: injectFile,
      WINDROW_CONTROL: control,
    })
    const processor = new Processor(slot, running, injectFile)
    if (armedAt !== undefined) processor.arm(armedAt, 'SIGKILL')
    this.#slots.set(slot, processor)
    this.#listen(processor)
    return processor
  }

  /** Shuts down all processors in order; resolves when they have exited. */
  async stop(): Promise<Ended[]> {
    for (const processor of this.all) processor.signal('SIGTERM')
    const ended = await Promise.all(this.all.map(({ running }) => running.ended))
    this.#slots.clear()
    return ended
  }

  async kill(): Promise<void> {
    for (const processor of this.all) processor.signal('SIGKILL')
    await Promise.all(this.all.map(({ running }) => running.ended))
    this.#slots.clear()
  }

  #listen(processor: Processor): void {
    const { slot, running, recent } = processor
    if (running.child.stderr === null) throw new Error('a processor has a standard error')
    createInterface({ input: running.child.stderr }).on('line', (text) => {
      recent.push(text)
      if (recent.length > MAX_RECENT_LINES) recent.shift()
      const line = lineOf(text)
      if (line !== null) this.#options.onLine(slot, line)
    })
    void running.ended.then((ended) => {
      processor.hasEnded = true
      if (processor.isEndExpected || this.#slots.get(slot) !== processor) return
      this.deaths.push(`slot ${slot}: ${ended.code ?? ended.signal}: ${ended.stderr.trimEnd().split('\n').at(-1)}`)
      this.#options.onDeath(slot, ended)
    })
  }
}

/** `null` for text that is no JSON line, such as half a line of a process that was killed while writing it. */
function lineOf(text: string): LogLine | null {
  if (!text.startsWith('{') || !text.endsWith('}')) return null
  return JSON.parse(text) as LogLine
}
