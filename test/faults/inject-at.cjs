/**
 * Sends a processor a signal at an injection point. It is loaded before the program with `node --require`, since the product
 * has no switches for tests. It watches the log lines that the program writes. When the line named in the file
 * WINDROW_INJECT is written for the nth time, the process gets the signal before its next instruction, not milliseconds later.
 *
 * The file contains an armed fault (armed-fault.ts): {"step", "phase", "nth", "signal"}. Counting begins when the file
 * appears; it is removed when the signal is sent.
 */
'use strict'
const fs = require('node:fs')

const file = process.env.WINDROW_INJECT
const writeSync = fs.writeSync
let armed = ''
let left = 0

function signalFor(line) {
  if (!line.includes('"msg":"step"')) return null
  let text
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
  const fault = JSON.parse(text)
  if (text !== armed) {
    armed = text
    left = fault.nth
  }
  const isHere = line.includes(`"step":"${fault.step}"`) && line.includes(`"phase":"${fault.phase}"`)
  if (!isHere || --left > 0) return null
  return fault.signal
}

if (file !== undefined) {
  fs.writeSync = function (fd, data, ...rest) {
    const written = writeSync.call(fs, fd, data, ...rest)
    const signal = fd === 2 ? signalFor(String(data)) : null
    if (signal !== null) {
      armed = ''
      fs.rmSync(file, { force: true })
      process.kill(process.pid, signal)
    }
    return written
  }
}
