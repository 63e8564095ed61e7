/**
 * The processors of a run: `windrow run` in slots, each with a sidecar of its own as far as there are any. One that ends
 * without having been asked is started again, as whatever keeps it running in production does, and that is counted.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start, type Ended, type Running } from '../support/windrow-process.ts'
import { arm, type Blow } from './blow.ts'
import type { Point } from './points.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

export interface ProcessorsOptions {
  /** Arguments of `windrow run`. */
  readonly args: readonly string[]
  /** gRPC port of the sidecar of a slot. */
  readonly portOf: (slot: number) => number
  /** For the files that tell a processor where it is struck. */
  readonly folder: string
  /** Of a negative control, the fault that their ports have. */
  readonly control?: string | undefined
  readonly onLine: (slot: number, line: LogLine) => void
  /** A processor ended that nobody has struck or asked to end; it is started again. */
  readonly onDeath: (slot: number, ended: Ended) => void
}

const STRIKE_AT = fileURLToPath(new URL('./strike-at.cjs', import.meta.url))
const CONTROL = new URL('./controls/preload.mjs', import.meta.url).href
const KEPT_LINES = 60

export class Processor {
  readonly slot: number
  readonly running: Running
  /** The last things it said, for a dump. */
  readonly recent: string[] = []
  hasEnded = false
  /** Its end is no surprise. */
  isDoomed = false
  readonly #strikeFile: string

  constructor(slot: number, running: Running, strikeFile: string) {
    this.slot = slot
    this.running = running
    this.#strikeFile = strikeFile
  }

  /** From now on, the signal falls when the point is reached. */
  arm(point: Point, signal: Blow['signal']): void {
    if (signal === 'SIGKILL') this.isDoomed = true
    arm(this.#strikeFile, { ...point, signal })
  }

  get isArmed(): boolean {
    return existsSync(this.#strikeFile)
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.isDoomed = true
    this.running.child.kill(signal)
  }
}

export class Processors {
  /** Those that ended unasked. */
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

  /** `armedAt`: it is killed there. */
  start(slot: number, armedAt?: Point, args = this.#options.args): Processor {
    const { portOf, folder, control } = this.#options
    const strikeFile = join(folder, `strike-${slot}.json`)
    rmSync(strikeFile, { force: true })
    const running = start(args, {
      DAPR_GRPC_PORT: String(portOf(slot)),
      NODE_OPTIONS: `--require ${STRIKE_AT}${control === undefined ? '' : ` --import ${CONTROL}`}`,
      WINDROW_STRIKE: strikeFile,
      WINDROW_CONTROL: control,
    })
    const processor = new Processor(slot, running, strikeFile)
    if (armedAt !== undefined) processor.arm(armedAt, 'SIGKILL')
    this.#slots.set(slot, processor)
    this.#listen(processor)
    return processor
  }

  /** Asks all to end in order; resolves when they have. */
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
      if (recent.length > KEPT_LINES) recent.shift()
      const line = lineOf(text)
      if (line !== null) this.#options.onLine(slot, line)
    })
    void running.ended.then((ended) => {
      processor.hasEnded = true
      if (processor.isDoomed || this.#slots.get(slot) !== processor) return
      this.deaths.push(`slot ${slot}: ${ended.code ?? ended.signal}: ${ended.stderr.trimEnd().split('\n').at(-1)}`)
      this.#options.onDeath(slot, ended)
    })
  }
}

/** A process that is killed in the middle of a line leaves half of one. */
function lineOf(text: string): LogLine | null {
  if (!text.startsWith('{') || !text.endsWith('}')) return null
  return JSON.parse(text) as LogLine
}
