/** Start, close and failure of the embedded sidecar, in its own thread, as the application runs it, and in this thread. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startEmbeddedSidecar } from '../../src/embedded/index.ts'
import { optionsForFile } from '../../src/embedded/sidecar.ts'
import type { EmbeddedSidecarOptions } from '../../src/embedded/index.ts'
import { workflowClient } from '../conformance/client.ts'

beforeEach(() => {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined)
  }
})

async function dataFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'windrow-embedded-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

function stateClient(grpcPort: number) {
  return new DaprClient({
    daprHost: '127.0.0.1',
    daprPort: String(grpcPort),
    communicationProtocol: CommunicationProtocolEnum.GRPC,
    maxBodySizeMb: 64,
  }).state
}

describe.each([
  { where: 'in its thread', inThread: true },
  { where: 'in this thread', inThread: false },
])('$where', ({ inThread }) => {
  const start = async (options: EmbeddedSidecarOptions) => {
    const sidecar = await startEmbeddedSidecar({ inThread, ...options })
    onTestFinished(() => sidecar.close())
    return sidecar
  }

  test('saved state is readable after a restart', async () => {
    const dataDir = await dataFolder()
    const first = await start({ dataDir })
    await stateClient(first.grpcPort).save('statestore', [{ key: 'k', value: { n: 1 } }])
    await first.close()
    const second = await start({ dataDir })
    expect(await stateClient(second.grpcPort).get('statestore', 'k')).toEqual({ n: 1 })
  })

  test('a folder that is locked by another sidecar is rejected until that one is closed', async () => {
    const dataDir = await dataFolder()
    const first = await start({ dataDir })
    await expect(start({ dataDir })).rejects.toMatchObject({
      name: 'WindrowError',
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(dataDir) as string,
    })
    await first.close()
    await start({ dataDir })
  })

  test('it serves the given port; a port in use is an error and releases the folder', async () => {
    const first = await start({ dataDir: await dataFolder() })
    const dataDir = await dataFolder()
    await expect(start({ dataDir, port: first.grpcPort })).rejects.toThrow(/EADDRINUSE/)
    await first.close()
    expect((await start({ dataDir, port: first.grpcPort })).grpcPort).toBe(first.grpcPort)
  })

  test('it serves the configured store and no other', async () => {
    const sidecar = await start({ dataDir: await dataFolder(), storeName: 'mine' })
    const state = stateClient(sidecar.grpcPort)
    await state.save('mine', [{ key: 'k', value: 'v' }])
    await expect(state.get('statestore', 'k')).rejects.toThrow('state store statestore is not found')
  })

  test('a fault plan takes effect when it has been set', async () => {
    const sidecar = await start({ dataDir: await dataFolder() })
    await sidecar.setFaults({ rules: [{ method: 'GetState', nth: 1, effect: { kind: 'fail-before' } }] })
    await expect(stateClient(sidecar.grpcPort).get('statestore', 'k')).rejects.toThrow('injected fault')
    expect(await stateClient(sidecar.grpcPort).get('statestore', 'k')).toBe('')
  })

  test('closing ends pending calls, and may be called twice', async () => {
    const sidecar = await start({ dataDir: await dataFolder() })
    const client = workflowClient(sidecar.grpcPort)
    expect(await client.getWorkflowState('unknown', true)).toBeUndefined()
    const waiting = client.waitForWorkflowCompletion('unknown', true, 30).catch((error: unknown) => error)
    await Promise.all([sidecar.close(), sidecar.close()])
    expect(await waiting).toBeInstanceOf(Error)
    await client.stop()
  })

  test('a disk failure is reported at once', async () => {
    const dataDir = await dataFolder()
    const sidecar = await start({ dataDir })
    await rm(dataDir, { recursive: true })
    const state = stateClient(sidecar.grpcPort)
    const value = 'x'.repeat(8 * 1024 * 1024)
    // Handle the rejections from the start: some calls fail before the sidecar reports its failure.
    const saved = Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => state.save('statestore', [{ key: `k${i}`, value }])),
    )
    await expect(sidecar.failed).rejects.toMatchObject({ name: 'WindrowError', code: 'STATE_WRITE_FAILED' })
    await saved
    await expect(state.get('statestore', 'k0')).rejects.toThrow('could not write')
  })
})

test.each([
  [['--input-type=module', '-e', 'run()'], []],
  [['--input-type', 'module', '--enable-source-maps', '--eval', 'run()'], ['--enable-source-maps']],
  [['--max-old-space-size=99', '-p', '1'], ['--max-old-space-size=99']],
  [
    ['--import', './hook.mjs', '-e', 'run()'],
    ['--import', './hook.mjs'],
  ],
  // The thread inherits them.
  [['--import', './hook.mjs', '--max-old-space-size=99'], undefined],
])('of the options %j of a process, its thread gets %j', (given, expected) => {
  expect(optionsForFile(given)).toEqual(expected)
})
