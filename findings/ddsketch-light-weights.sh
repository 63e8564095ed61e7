#!/usr/bin/env bash
# @datadog/sketches-js 2.1.1 and ddsketch 3.0.1 (Python): quantiles of weighted values.
#
# Guess: weights only matter relative to each other, and every quantile is within 1 % of a value that was added.
# True:  while the weights add up to less than 1, every quantile but 0 is a number that was never added: 0 in JavaScript and
#        -0.99 in Python. The rank is computed as q * (count - 1), which is negative then. Ten values of weight 0.1 are such
#        a case too, since their floating-point sum is 0.9999999999999999.
source "$(dirname "$0")/lib/check.sh"

npm_install @datadog/sketches-js@2.1.1
pip_install ddsketch==3.0.1
cat >weights.cjs <<'EOF'
const { DDSketch } = require('@datadog/sketches-js')
for (const [times, weight] of [[1, 1], [1, 0.5], [10, 0.1], [11, 0.1]]) {
  const sketch = new DDSketch({ relativeAccuracy: 0.01 })
  for (let added = 0; added < times; added++) sketch.accept(10, weight)
  const quantiles = [0, 0.5, 0.99].map((quantile) => (sketch.getValueAtQuantile(quantile) + 0).toFixed(2))
  console.log(`JavaScript: the value 10, ${times} times with weight ${weight}: ${quantiles.join(' ')}`)
}
EOF
cat >weights.py <<'EOF'
from ddsketch import DDSketch
for times, weight in ((1, 1), (1, 0.5), (10, 0.1), (11, 0.1)):
    sketch = DDSketch(0.01)
    for _ in range(times):
        sketch.add(10, weight)
    quantiles = ' '.join(f'{sketch.get_quantile_value(quantile):.2f}' for quantile in (0, 0.5, 0.99))
    print(f'Python: the value 10, {times} times with weight {weight}: {quantiles}')
EOF
both() { node weights.cjs && venv/bin/python weights.py; }
export -f both
expect bash -c both <<'EOF'
JavaScript: the value 10, 1 times with weight 1: 10.07 10.07 10.07
JavaScript: the value 10, 1 times with weight 0.5: 10.07 0.00 0.00
JavaScript: the value 10, 10 times with weight 0.1: 10.07 0.00 0.00
JavaScript: the value 10, 11 times with weight 0.1: 10.07 10.07 10.07
Python: the value 10, 1 times with weight 1: 10.07 10.07 10.07
Python: the value 10, 1 times with weight 0.5: 10.07 -0.99 -0.99
Python: the value 10, 10 times with weight 0.1: 10.07 -0.99 -0.99
Python: the value 10, 11 times with weight 0.1: 10.07 10.07 10.07
EOF
holds 'quantiles of a DDSketch are numbers that were never added while its weights add up to less than 1'
