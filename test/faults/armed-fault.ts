/** A signal that a processor gets at an injection point. It is passed in a file that inject-at.cjs reads in the processor. */
import { renameSync, writeFileSync } from 'node:fs'
import type { InjectionPoint } from './injection-points.ts'

export interface ArmedFault extends InjectionPoint {
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/**
 * Writes the fault to `file`. The process reads it at every step, so it is replaced atomically: half a file would make the
 * process fail where the product does not.
 */
export function arm(file: string, { step, phase, nth, signal }: ArmedFault): void {
  const whole = `${file}.new`
  writeFileSync(whole, JSON.stringify({ step, phase, nth, signal }))
  renameSync(whole, file)
}
