/**
 * Loaded into a processor before the program, with `node --require`: the product has no switches for tests. It watches the
 * log lines that the program writes, and when the one that the file WINDROW_STRIKE names is written for the nth time, the
 * process gets its signal before its next instruction: the blow falls exactly there, and not milliseconds later.
 *
 * The file holds a blow (blow.ts): {"step", "phase", "nth", "signal"}. It is removed with the blow, and counting begins when
 * it appears.
 */
'use strict'
const fs = require('node:fs')

const file = process.env.WINDROW_STRIKE
const writeSync = fs.writeSync
let armed = ''
let left = 0

function isStruckBy(line) {
  if (!line.includes('"msg":"step"')) return null
  let text
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
  const blow = JSON.parse(text)
  if (text !== armed) {
    armed = text
    left = blow.nth
  }
  const isHere = line.includes(`"step":"${blow.step}"`) && line.includes(`"phase":"${blow.phase}"`)
  if (!isHere || --left > 0) return null
  return blow.signal
}

if (file !== undefined) {
  fs.writeSync = function (fd, data, ...rest) {
    const written = writeSync.call(fs, fd, data, ...rest)
    const signal = fd === 2 ? isStruckBy(String(data)) : null
    if (signal !== null) {
      armed = ''
      fs.rmSync(file, { force: true })
      process.kill(process.pid, signal)
    }
    return written
  }
}
