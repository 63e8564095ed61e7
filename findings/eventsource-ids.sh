#!/usr/bin/env bash
# eventsource 4.1.1 on Node, httpx-sse 0.4.3 and sseclient-py 1.9.0: the ids of server-sent events, which a client needs to
# resume.
#
# Guess: as in browsers. An event without an id has the id of the last one before it that had one; a block with an id alone
#        is no event, but its id is the place from which a new connection resumes; a block that is cut off is no event.
# True:  eventsource gives an event without an id the empty id, though it resumes from the right one, and it forgets a block
#        with an id alone: after the bookmark 9 it resumes from 7. httpx-sse hands the bookmark over as an event without data. sseclient-py gives no id either, and hands over the event that was cut off.
source "$(dirname "$0")/lib/check.sh"

npm_install eventsource@4.1.1
pip_install httpx==0.28.1 httpx-sse==0.4.3 sseclient-py==1.9.0
cat >browserlike.mjs <<'EOF'
import http from 'node:http'
import { EventSource } from 'eventsource'
const bodies = ['retry: 10\nid: 7\ndata: a\n\ndata: b\n\n', 'id: 9\n\n', 'data: c\n\n']
const server = http.createServer((request, response) => {
  console.log(`eventsource connects, Last-Event-ID: ${request.headers['last-event-id'] ?? 'none'}`)
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bodies.shift())
})
server.listen(0, '127.0.0.1', () => {
  const source = new EventSource(`http://127.0.0.1:${server.address().port}/`)
  source.onmessage = ({ data, lastEventId }) => {
    console.log(`  event ${data}, id "${lastEventId}"`)
    if (data !== 'c') return
    source.close()
    server.closeAllConnections()
    server.close()
  }
})
EOF
cat >python.py <<'EOF'
import httpx, httpx_sse, sseclient
stream = b'id: 7\ndata: a\n\ndata: b\n\nid: 9\n\ndata: cut'
class Body(list):
    def close(self): pass
answer = httpx.Response(200, headers={'content-type': 'text/event-stream'}, content=stream)
with httpx.Client(transport=httpx.MockTransport(lambda request: answer)) as client:
    with httpx_sse.connect_sse(client, 'GET', 'http://findings') as source:
        print('httpx-sse:', *(f'{event.data!r} id {event.id!r}' for event in source.iter_sse()), sep='\n  ')
print('sseclient-py:', *(f'{event.data!r} id {event.id!r}' for event in sseclient.SSEClient(Body([stream])).events()), sep='\n  ')
EOF
both() { node browserlike.mjs && venv/bin/python python.py; }
export -f both
expect bash -c both <<'EOF'
eventsource connects, Last-Event-ID: none
  event a, id "7"
  event b, id ""
eventsource connects, Last-Event-ID: 7
eventsource connects, Last-Event-ID: 7
  event c, id ""
httpx-sse:
  'a' id '7'
  'b' id '7'
  '' id '9'
sseclient-py:
  'a' id '7'
  'b' id None
  'cut' id None
EOF
holds 'three clients of server-sent events disagree on the ids and the number of events of one stream'
