import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.ts'
import { busyPorts, daprdPorts, DEFAULT_PORT_BASE, MAX_DAPRDS, stackPorts } from '../../../src/dev/stack/ports.ts'

const portsOf = (base: number): number[] => [
  ...Object.values(stackPorts(base) as unknown as Record<string, number>),
  ...Array.from({ length: MAX_DAPRDS }, (_, index) => Object.values(daprdPorts(base, index)) as number[]).flat(),
]

test('all ports of a stack with every sidecar differ and stay in a block of a hundred', () => {
  const ports = portsOf(20_000)
  expect(new Set(ports).size).toBe(ports.length)
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000)
  expect(Math.max(...ports)).toBeLessThan(20_100)
})

test('by default Kafka and Prometheus have their usual ports', () => {
  expect(stackPorts(DEFAULT_PORT_BASE).kafka).toBe(9092)
  expect(stackPorts(DEFAULT_PORT_BASE).prometheus).toBe(9090)
})

test.each([0, 1023, 32_669, 65_500, 9090.5, Number.NaN])('the port base %s is rejected', (base) => {
  expect(() => stackPorts(base)).toThrow(ConfigurationError)
})

test.each([1024, 32_668])('the port base %s is accepted', (base) => {
  expect(stackPorts(base).kafka).toBe(base + 2)
})

test('a port with a listener is busy, and free again after the listener closes', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await busyPorts([port])).toEqual([port])
  await new Promise((resolve) => server.close(resolve))
  expect(await busyPorts([port])).toEqual([])
})
