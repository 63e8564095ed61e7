/** Pins when the verifier expects a VM's state to survive a gap, and when the owner of the partition has dropped it. */
import { describe, expect, it } from 'vitest'
import { VmStates } from '../../src/verify/vm-states.ts'

/** States of windows of 100 ms that are dropped three windows after the last points. */
function makeStates(isWhole = true): VmStates {
  return new VmStates(isWhole, { sizeMs: 100, stateWindows: 3 })
}

/** `0+` is a window with points, `100` one without; `!` after it: the VM has a result there, with the window as its state. */
function statesAfter(...windows: readonly string[]): VmStates {
  const states = makeStates()
  for (const text of windows) {
    const start = parseInt(text, 10)
    states.close(start)
    if (text.endsWith('!')) states.publish(start, 'a', start, text.includes('+'))
  }
  return states
}

describe('the state of a VM', () => {
  it.each<[string, readonly string[], number, number | null]>([
    ['of the window before is the prior state', ['0+!', '100+!'], 200, 100],
    ['of a later window is no prior state', ['0+!', '100+!'], 100, 0],
    ['survives a gap in which no window closes', ['0+!'], 5000, 0],
    ['survives windows without the VM up to the limit', ['0+!', '100', '200'], 300, 0],
    ['is dropped by the window that reaches the limit', ['0+!', '100', '300'], 400, null],
    ['is not dropped before that window is closed', ['0+!', '100', '300'], 300, 0],
    ['is dropped after a window in which the VM was expected in vain', ['0+!', '300!'], 400, null],
    ['is kept by a window without points within the limit', ['0+!', '200!'], 300, 200],
    ['counts from the last points, not from the last result', ['0+!', '200!', '300'], 400, null],
    ['starts again after the VM has sent again', ['0+!', '300', '400+!'], 500, 400],
  ])('%s', (_claim, windows, window, expected) => {
    expect(statesAfter(...windows).before(window, 'a')).toBe(expected)
  })

  it('counts from points that came late', () => {
    const states = statesAfter('0+!', '100', '200!', '300')
    expect(states.before(400, 'a')).toBeNull()
    states.publish(200, 'a', 7, true)
    expect(states.before(400, 'a')).toBe(7)
  })

  it('is the same after older windows were forgotten', () => {
    for (const windows of [
      ['0+!', '100!', '200!'],
      ['0+!', '100!', '300!'],
      ['0+!', '100', '300'],
      ['0+!', '200+!'],
    ]) {
      const states = statesAfter(...windows)
      const before = states.before(400, 'a')
      states.forget(300)
      expect(states.before(400, 'a'), windows.join(' ')).toBe(before)
    }
  })

  it('is unknown when the recount began later than the last points', () => {
    const states = makeStates(false)
    expect(states.before(0, 'a')).toBeUndefined()
    states.close(0)
    states.publish(0, 'a', 5, false)
    expect(states.before(100, 'a')).toBeUndefined()
  })
})
