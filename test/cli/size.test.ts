/** The command line of `windrow size`: output, rejected arguments and written files. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sizeCommand } from '../../src/cli/size.ts'
import type { Sizing } from '../../src/dev/size/model.ts'
import { fakeCli } from './cli-context.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'windrow-size-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

const LOAD = { vms: '5000', pointsPerSecond: '1000' }

async function size(flags: Readonly<Record<string, unknown>>): Promise<string> {
  const cli = fakeCli()
  await sizeCommand.run(flags, cli.context, [])
  return cli.stdout()
}

it('prints the replicas, their resources and the first limits', async () => {
  const text = await size(LOAD)
  for (const part of [
    'partitions',
    'each processor',
    'Dapr scheduler',
    'a million points take',
    'what gives way first',
  ])
    expect(text).toContain(part)
  expect(text).not.toMatch(/NaN|undefined|Infinity/)
})

it('prints the cost if a price is given', async () => {
  const { coreSecondsPerMillionPoints } = JSON.parse(await size({ ...LOAD, json: true })) as Sizing
  const price = ((coreSecondsPerMillionPoints / 3600) * 0.05).toFixed(5)
  expect(await size({ ...LOAD, pricePerCoreHour: '0.05' })).toContain(`${price} at 0.05 a core hour`)
})

it('reports all problems at once', async () => {
  await expect(
    size({ vms: '0', window: '1', closeWithin: '1ms', partitions: 'many', pricePerCoreHour: '-1' }),
  ).rejects.toMatchObject({
    code: 'CONFIGURATION',
    problems: [
      '--vms',
      '--points-per-second',
      '--window',
      '--close-within',
      '--partitions',
      '--price-per-core-hour',
    ].map((place) => expect.objectContaining({ place }) as object),
  })
})

it("writes the overlay's values, with the command that generated them", async () => {
  await size({ ...LOAD, vmsPerWorkflow: '8', write: folder })
  const text = await readFile(join(folder, 'size', 'kustomization.yaml'), 'utf8')
  expect(text).toContain(
    `# Written by \`windrow size --vms 5000 --points-per-second 1000 --vms-per-workflow 8 --write ${folder}\``,
  )
  const { kind, patches } = parse(text) as { kind: string; patches: { patch: string }[] }
  expect(kind).toBe('Component')
  expect(parse(patches[0]?.patch ?? '')).toMatchObject({ kind: 'Deployment', metadata: { name: 'processor' } })
  const sizing = JSON.parse(await size({ ...LOAD, vmsPerWorkflow: '8', json: true })) as Sizing
  expect(patches[1]?.patch).toContain(`value: '${sizing.lagThreshold}'`)
})

it('reports a file that it cannot write', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  await expect(size({ ...LOAD, write: file })).rejects.toMatchObject({
    code: 'NOT_WRITTEN',
    message: expect.stringContaining(file) as string,
  })
})
