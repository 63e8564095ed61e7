import { describe, expect, it } from 'vitest'
import { Interruption } from '../../src/pipeline/interruption.ts'

describe('an interruption', () => {
  it('passes values and failures on until it is raised', async () => {
    const interruption = new Interruption()
    expect(await interruption.orNull(Promise.resolve(1))).toBe(1)
    await expect(interruption.orNull(Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(await interruption.orNull(Promise.resolve(2))).toBe(2)
  })

  it('breaks off the current wait, and every later one immediately', async () => {
    const interruption = new Interruption()
    const waiting = interruption.orNull(new Promise(() => undefined))
    interruption.raise()
    expect(await waiting).toBeNull()
    expect(await interruption.orNull(Promise.resolve(1))).toBeNull()
    expect(await interruption.orNull(Promise.reject(new Error('must be ignored')))).toBeNull()
  })
})
