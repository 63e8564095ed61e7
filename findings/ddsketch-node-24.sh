#!/usr/bin/env bash
# @datadog/sketches-js 2.1.1 on Node.js 22.23.3 and 24.21.0 (Linux, x64): quantiles of the same values.
#
# Guess: the same on both. The sketch counts values in bins, and only adds whole numbers; if a new V8 changed anything in the
#        last digits, then the logarithm that chooses the bin.
# True:  quantiles differ in their last digit. The value of a bin is a power, and between these versions V8 changed Math.pow,
#        and of all other functions of Math none. So digests of results differ between processes on two versions.
source "$(dirname "$0")/lib/check.sh"

npm_install @datadog/sketches-js@2.1.1 node22@npm:node@22.23.3 node24@npm:node@24.21.0
cat >digits.cjs <<'EOF'
const { DDSketch } = require('@datadog/sketches-js')
const functions = Object.getOwnPropertyNames(Math).filter((name) => typeof Math[name] === 'function' && name !== 'random')
const values = Array.from({ length: 20_000 }, (_, i) => (i + 1) / 137)
const results = {}
for (const name of functions) results[name] = values.map((value) => Math[name](value, 1.7))
const sketch = new DDSketch({ relativeAccuracy: 0.01 })
for (const value of values) sketch.accept(value)
results.quantiles = Array.from({ length: 1_000 }, (_, i) => sketch.getValueAtQuantile(i / 1_000))
// Text with all digits; JSON has no NaN.
console.log(JSON.stringify(results, (_, value) => (typeof value === 'number' ? String(value) : value)))
EOF
cat >compare.cjs <<'EOF'
const { execFileSync } = require('node:child_process')
const run = (name) => {
  const program = `node_modules/${name}/bin/node`
  const read = (...args) => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  console.log(`Node.js ${read('-p', 'process.version').trim()}`)
  return JSON.parse(read('digits.cjs'))
}
const [older, newer] = [run('node22'), run('node24')]
const { quantiles, ...functions } = older
const share = (name) => older[name].filter((text, i) => text !== newer[name][i]).length / older[name].length
const changed = Object.keys(functions).filter((name) => name in newer && share(name) > 0)
console.log(`functions of Math that differ: ${changed.join(', ') || 'none'}`)
console.log(`quantiles that differ: ${share('quantiles') > 0 ? 'some' : 'none'}`)
const relative = quantiles.map((text, i) => Math.abs(text / newer.quantiles[i] - 1))
console.log(`by more than the last digits: ${relative.filter((difference) => difference > 1e-15).length}`)
EOF
expect node compare.cjs <<'EOF'
Node.js v22.23.3
Node.js v24.21.0
functions of Math that differ: pow
quantiles that differ: some
by more than the last digits: 0
EOF
holds 'quantiles of the same values have other digits on Node.js 24 than on 22, because of Math.pow alone'
