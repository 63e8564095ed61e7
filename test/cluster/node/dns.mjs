/**
 * DNS of the cluster: dnsmasq with a hosts file that this program writes from Services and EndpointSlices. Runs inside the
 * sandbox: node dns.mjs ADDRESS API_SERVER KEYS_FOLDER HOSTS_FILE
 */
import { spawn } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'

const [address, apiServer, keys, hostsFile] = process.argv.slice(2)
const file = (name) => readFileSync(`${keys}/${name}`)
const agent = new Agent({ keepAlive: true, ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key') })

const list = (path) =>
  new Promise((resolve, reject) => {
    const request = get(`${apiServer}${path}`, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.once('error', reject).once('end', () => resolve(JSON.parse(text).items ?? []))
    })
    request.once('error', reject)
  })

function hosts(services, slices) {
  const lines = []
  const add = (ip, name) => lines.push(`${ip} ${name}.svc.cluster.local`)
  const headless = new Set()
  for (const { metadata, spec } of services) {
    const name = `${metadata.name}.${metadata.namespace}`
    if (spec.clusterIP === 'None') headless.add(name)
    else if (spec.clusterIP) add(spec.clusterIP, name)
  }
  for (const { metadata, endpoints } of slices) {
    const name = `${metadata.labels?.['kubernetes.io/service-name']}.${metadata.namespace}`
    if (!headless.has(name)) continue
    for (const { addresses, hostname, conditions } of endpoints ?? []) {
      if (conditions?.ready === false) continue
      for (const ip of addresses) {
        add(ip, name)
        if (hostname) add(ip, `${hostname}.${name}`)
      }
    }
  }
  return `${lines.toSorted().join('\n')}\n`
}

writeFileSync(hostsFile, '')
const dnsmasq = spawn(
  'dnsmasq',
  [
    ...['--keep-in-foreground', '--no-resolv', '--no-hosts', `--addn-hosts=${hostsFile}`, '--local=/cluster.local/'],
    ...['--port=53', `--listen-address=${address}`, '--bind-interfaces', '--user=root', '--no-negcache', '--pid-file='],
  ],
  { stdio: 'inherit' },
)
dnsmasq.once('exit', (code) => process.exit(code ?? 1))

let written = ''
for (;;) {
  try {
    const text = hosts(await list('/api/v1/services'), await list('/apis/discovery.k8s.io/v1/endpointslices'))
    if (text !== written) {
      writeFileSync(`${hostsFile}.new`, text)
      renameSync(`${hostsFile}.new`, hostsFile)
      dnsmasq.kill('SIGHUP')
      written = text
    }
  } catch (error) {
    // The API server may still be starting.
    console.error(error.message)
  }
  await delay(500)
}
