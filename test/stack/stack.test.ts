/**
 * The stack itself, with the real services: started once, then disturbed. Each test continues from the previous one, so their
 * order matters. The first run on a machine builds Dapr, which takes some minutes.
 */
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaprWorkflowClient, WorkflowRuntime } from '@dapr/dapr'
import type { WorkflowContext } from '@dapr/dapr'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readStack, startStack } from '../../src/dev/stack/index.ts'
import type { DaprdDescription, ServiceStatus, Progress, Stack } from '../../src/dev/stack/index.ts'
import { newStackDir, removeStack } from './stack-folder.ts'
import { freePortBase } from './stacks.ts'

const SERVICES = ['redis', 'postgres', 'kafka', 'placement', 'scheduler', 'daprd-0']

let dataDir: string
let portBase: number
let stack: Stack
const progress: Progress[] = []

beforeAll(async () => {
  dataDir = await newStackDir()
  portBase = await freePortBase()
  stack = await up()
})

afterAll(() => removeStack(dataDir))

const up = (more: { portBase?: number; state?: 'postgres'; daprds?: number } = {}) =>
  startStack({ dataDir, portBase, onProgress: (step) => progress.push(step), ...more })

test('every service comes up in order and is usable', async () => {
  expect(
    progress.flatMap((step) => (step.kind === 'end' && !step.service.startsWith('build-') ? [step.service] : [])),
  ).toEqual(SERVICES)
  expect(await stack.status()).toEqual(
    SERVICES.map((service) => expect.objectContaining({ service, state: 'up' }) as ServiceStatus),
  )
  expect(await readStack(dataDir)).toEqual(stack.description)
})

test('a workflow runs to its end on the sidecar', async () => {
  expect(await runWorkflow(stack.description.daprds[0] as DaprdDescription)).toBe('"hello windrow"')
})

test('bringing up what is up starts nothing', async () => {
  const pids = (await stack.status()).map(({ pid }) => pid)
  expect((await up()).started).toEqual([])
  expect((await stack.status()).map(({ pid }) => pid)).toEqual(pids)
})

test('other choices are refused while it is up', async () => {
  await expect(up({ portBase: portBase + 100 })).rejects.toThrow(`is up with port base ${portBase}`)
  await expect(up({ state: 'postgres' })).rejects.toThrow('state in redis, not')
})

test('a sidecar that was killed is down in the status, and bringing up starts it alone', async () => {
  await stack.kill('daprd-0')
  expect(
    (await stack.status()).filter(({ state }) => state !== 'up').map(({ service, state }) => [service, state]),
  ).toEqual([['daprd-0', 'down']])
  expect((await up()).started).toEqual(['daprd-0'])
})

test('a service that hangs is unusable in the status, with the reason', async () => {
  await stack.kill('scheduler', 'SIGSTOP')
  const hung = (await stack.status()).filter(({ state }) => state !== 'up')
  await stack.kill('scheduler', 'SIGCONT')
  expect(hung).toEqual([expect.objectContaining({ service: 'scheduler', state: 'unusable' })])
  expect(hung[0]?.problem).toMatch(/timeout/i)
})

test.each(['redis', 'postgres', 'kafka'])('%s comes up again after it was killed', async (service) => {
  await stack.kill(service)
  expect(await stack.start(service)).toBe(true)
})

test('a second sidecar of the app id has the state of the first', async () => {
  await saveState(0, 'shared', 'from the first')
  const second = await stack.startDaprd({ index: 1 })
  expect(second.name).toBe('daprd-1')
  expect(await loadState(1, 'shared')).toBe('from the first')
  expect(await runWorkflow(second)).toBe('"hello windrow"')
})

test('messages and state survive going down and up, with all sidecars that there were', async () => {
  await produce('survivors', 'a message')
  await saveState(0, 'survivor', 'a value')
  expect(await stack.down()).toEqual([...SERVICES, 'daprd-1'].reverse())
  expect(await processesIn(dataDir)).toEqual([])
  const again = await up()
  stack = again
  expect(again.started).toEqual([...SERVICES, 'daprd-1'])
  expect(await consumeOne('survivors')).toBe('a message')
  expect(await loadState(1, 'survivor')).toBe('a value')
})

test('a stack that is down can come up on other ports, with its state in PostgreSQL', async () => {
  await stack.down()
  portBase = await freePortBase(portBase + 100)
  stack = await up({ state: 'postgres' })
  expect(await consumeOne('survivors')).toBe('a message')
  expect(await loadState(0, 'survivor')).toBeNull()
  await saveState(0, 'survivor', 'in PostgreSQL')
  expect(await loadState(1, 'survivor')).toBe('in PostgreSQL')
  expect(await runWorkflow(stack.description.daprds[1] as DaprdDescription)).toBe('"hello windrow"')
})

test('a port in use is an error before any service is started', async () => {
  const other = await mkdtemp(join(tmpdir(), 'windrow-stack-'))
  const steps: Progress[] = []
  const taken = startStack({ dataDir: other, portBase, onProgress: (step) => steps.push(step) })
  await expect(taken).rejects.toThrow(`kafka needs ${portBase + 2}, ${portBase + 3}`)
  expect(steps).toEqual([])
  await rm(other, { recursive: true })
})

test('the error of a service that cannot come up ends with the end of its log', async () => {
  await stack.stop('placement')
  await stack.stop('daprd-0')
  // Without its store a sidecar gives up.
  await stack.stop('postgres')
  await expect(stack.start('daprd-0')).rejects.toThrow(/daprd-0 ended while it came up[\s\S]*level=fatal/)
})

test('going down leaves no process, and a purge no file', async () => {
  await stack.down({ purge: true })
  expect(await processesIn(dataDir)).toEqual([])
  await expect(readdir(dataDir)).rejects.toThrow('ENOENT')
})

/** The first block of free ports, searched from a number that differs between test processes. */
/** Pids of the processes that work in the folder; every service of a stack does. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found: string[] = []
  for (const pid of pids) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (cwd.startsWith(folder)) found.push(`${pid} ${await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')}`)
  }
  return found
}

async function runWorkflow({ ports }: DaprdDescription): Promise<string | undefined> {
  const options = { daprHost: '127.0.0.1', daprPort: String(ports.grpc) }
  const runtime = new WorkflowRuntime(options)
  runtime.registerWorkflowWithName('hello', async function* (_: WorkflowContext, name: string) {
    return `hello ${name}`
  })
  const client = new DaprWorkflowClient(options)
  await runtime.start()
  try {
    const id = await client.scheduleNewWorkflow('hello', 'windrow')
    return (await client.waitForWorkflowCompletion(id, true, 60))?.serializedOutput
  } finally {
    await client.stop()
    await runtime.stop()
  }
}

const stateUrl = (daprd: number): string =>
  `http://127.0.0.1:${stack.description.daprds[daprd]?.ports.http}/v1.0/state/statestore`

async function saveState(daprd: number, key: string, value: string): Promise<void> {
  const response = await fetch(stateUrl(daprd), { method: 'POST', body: JSON.stringify([{ key, value }]) })
  expect(response.status).toBe(204)
}

async function loadState(daprd: number, key: string): Promise<unknown> {
  const response = await fetch(`${stateUrl(daprd)}/${key}`)
  return response.status === 204 ? null : response.json()
}

function kafka(): kafkajs.Kafka {
  return new kafkajs.Kafka({ brokers: [stack.description.addresses.kafka], logLevel: kafkajs.logLevel.NOTHING })
}

async function produce(topic: string, value: string): Promise<void> {
  const producer = kafka().producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

async function consumeOne(topic: string): Promise<string | undefined> {
  const consumer = kafka().consumer({ groupId: `test-${portBase}` })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    return await new Promise((resolve, reject) => {
      consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}
