/** What tells a process, through strike-at.cjs, at which line of its log it is struck. */
import { renameSync, writeFileSync } from 'node:fs'
import type { Point } from './points.ts'

export interface Blow extends Point {
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** The process reads `file` at every step, hence it must never find half of one: it would break where the product does not. */
export function arm(file: string, { step, phase, nth, signal }: Blow): void {
  const whole = `${file}.new`
  writeFileSync(whole, JSON.stringify({ step, phase, nth, signal }))
  renameSync(whole, file)
}
