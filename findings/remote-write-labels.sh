#!/usr/bin/env bash
# prometheus-remote-write 0.5.1: what it sends to a remote-write receiver.
#
# Guess: the request follows the remote-write specification: labels sorted by name, the two headers that it demands, and the
#        time that the sample has.
# True:  labels are sent in the order of the object, the common labels before the metric's name; Content-Encoding and
#        X-Prometheus-Remote-Write-Version are missing; and a sample at the time 0 is sent with the time of now.
source "$(dirname "$0")/lib/check.sh"

npm_install prometheus-remote-write@0.5.1 snappyjs@0.7.0
cat >send.cjs <<'EOF'
const http = require('node:http')
const path = require('node:path')
const { uncompress } = require('snappyjs')
const { deserialize, pushTimeseries } = require('prometheus-remote-write')

const received = []
const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    received.push({ headers: request.headers, body: uncompress(Buffer.concat(chunks)) })
    response.end()
  })
})
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`
  const series = { labels: { __name__: 'points', zone: 'b', app: 'c' }, samples: [{ value: 1, timestamp: 0 }, { value: 2, timestamp: 5 }] }
  await pushTimeseries([series], { url, labels: { job: 'findings' }, timing: false, fetch })
  server.close()
  const [{ headers, body }] = received
  for (const name of ['content-type', 'content-encoding', 'x-prometheus-remote-write-version']) {
    console.log(`${name}: ${headers[name] ?? 'missing'}`)
  }
  const { timeseries } = await deserialize(body)
  console.log('labels:', timeseries[0].labels.map(({ name }) => name).join(' '))
  for (const { value, timestamp } of timeseries[0].samples) {
    console.log(`sample ${value} at ${Math.abs(Number(timestamp) - Date.now()) < 60000 ? 'now' : timestamp}`)
  }
})
EOF
expect node send.cjs <<'EOF'
content-type: application/x-protobuf
content-encoding: missing
x-prometheus-remote-write-version: missing
labels: job __name__ zone app
sample 1 at now
sample 2 at 5
EOF
holds 'prometheus-remote-write sends unsorted labels without the demanded headers, and the time 0 as now'
