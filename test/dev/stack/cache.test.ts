import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { builtOnce, cacheFolder } from '../../../src/dev/stack/cache.ts'

let cacheDir: string
beforeEach(async () => void (cacheDir = await mkdtemp(join(tmpdir(), 'windrow-cache-'))))
afterEach(() => rm(cacheDir, { recursive: true }))

describe('the cache folder', () => {
  test.each([
    [{ WINDROW_CACHE: '/c', XDG_CACHE_HOME: '/x' }, '/c'],
    [{ XDG_CACHE_HOME: '/x' }, '/x/windrow'],
    [{ WINDROW_CACHE: '', XDG_CACHE_HOME: '' }, '/home/u/.cache/windrow'],
    [{}, '/home/u/.cache/windrow'],
  ])('with %j is %s', (env, folder) => {
    expect(cacheFolder(env, '/home/u')).toBe(folder)
  })
})

test('an existing folder is not built again', async () => {
  let builds = 0
  const build = async (into: string) => writeFile(join(into, 'made'), String(++builds))
  const first = await builtOnce(cacheDir, 'thing', build)
  expect(await builtOnce(cacheDir, 'thing', build)).toBe(first)
  expect(await readFile(join(first, 'made'), 'utf8')).toBe('1')
})

test('two concurrent builds create one complete folder and leave no other files', async () => {
  let meet: () => void
  const bothAreBuilding = new Promise<void>((resolve) => (meet = resolve))
  let building = 0
  const build = async (into: string) => {
    await writeFile(join(into, 'a'), 'a')
    if (++building === 2) meet()
    await bothAreBuilding
    await writeFile(join(into, 'b'), 'b')
  }
  const folders = await Promise.all([builtOnce(cacheDir, 'thing', build), builtOnce(cacheDir, 'thing', build)])
  expect(folders).toEqual([join(cacheDir, 'thing'), join(cacheDir, 'thing')])
  expect(await readdir(join(cacheDir, 'thing'))).toEqual(['a', 'b'])
  expect(await readdir(cacheDir)).toEqual(['thing'])
})

test('a failed build leaves no files, so the next one builds', async () => {
  const failing = builtOnce(cacheDir, 'thing', async (into) => {
    await writeFile(join(into, 'half'), '')
    throw new Error('no network')
  })
  await expect(failing).rejects.toThrow('no network')
  expect(await readdir(cacheDir)).toEqual([])
})

test('the files of a killed build are removed, those of a running one are not', async () => {
  // The kernel assigns no pid above 4194304.
  await mkdir(join(cacheDir, '.building-4194305-aa'))
  await mkdir(join(cacheDir, `.building-${process.pid}-bb`))
  await builtOnce(cacheDir, 'thing', async () => undefined)
  expect(await readdir(cacheDir)).toEqual([`.building-${process.pid}-bb`, 'thing'])
})
