import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WindrowError } from '../../../src/errors/index.ts'
import { compareVersions, findTools, versionIn } from '../../../src/dev/stack/tools.ts'
import type { ToolNeeds } from '../../../src/dev/stack/tools.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'windrow-tools-'))))
afterEach(() => rm(folder, { recursive: true }))

/** A program that prints a version like the real ones: some on standard output, some on standard error. */
const program = (name: string, says: string, exitCode = 0) =>
  writeFile(join(folder, name), `#!/bin/sh\necho '${says}' >&2\nexit ${exitCode}\n`, { mode: 0o755 })

async function installAll(): Promise<void> {
  await program('java', 'openjdk version "17.0.15" 2025-04-15')
  await program('redis-server', 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64')
  await program('postgres', 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)')
  await program('go', 'go version go1.26.5 linux/amd64')
  await program('mvn', 'Apache Maven 3.8.7')
}

const find = (needs: ToolNeeds) => findTools(needs, folder, false)

/** The message of the one error. */
async function problemsOf(needs: ToolNeeds): Promise<string> {
  const error: unknown = await find(needs).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WindrowError)
  expect(error).toHaveProperty('code', 'STACK_TOOLS_MISSING')
  return (error as WindrowError).message
}

test('installed tools are found with their versions', async () => {
  await installAll()
  expect(await find({ go: '1.26.5', mvn: true, prometheus: false, grafana: false })).toEqual({
    java: { path: join(folder, 'java'), version: '17.0.15' },
    redis: { path: join(folder, 'redis-server'), version: '7.0.15' },
    postgres: { path: join(folder, 'postgres'), version: '15.18' },
    postgresUser: null,
    go: { path: join(folder, 'go'), version: '1.26.5' },
    mvn: { path: join(folder, 'mvn'), version: '3.8.7' },
    prometheus: null,
    grafana: null,
  })
})

test('all missing or outdated tools are reported at once, with the package to install', async () => {
  await installAll()
  await rm(join(folder, 'redis-server'))
  await rm(join(folder, 'mvn'))
  await program('java', 'openjdk version "11.0.2" 2019-01-15')
  await program('go', 'go version go1.24 linux/amd64')
  const problems = await problemsOf({ go: '1.26.5', mvn: true, prometheus: false, grafana: false })
  expect(problems).toContain('redis-server is not installed. Install it: apt-get install redis-server')
  expect(problems).toContain('mvn is not installed. Install it: apt-get install maven')
  expect(problems).toMatch(
    /java is version 11\.0\.2, older than 17\. Install it: apt-get install openjdk-17-jre-headless/,
  )
  expect(problems).toMatch(
    /go is version 1\.24, older than 1\.26\.5\. Install Go 1\.26\.5 or later from https:\/\/go\.dev\/dl\//,
  )
})

test('build tools are not required when nothing is to be built', async () => {
  await installAll()
  await rm(join(folder, 'go'))
  await rm(join(folder, 'mvn'))
  expect(await find({ go: null, mvn: false, prometheus: false, grafana: false })).toMatchObject({ go: null, mvn: null })
})

test('an installed program that does not run is a separate problem', async () => {
  await installAll()
  await program('java', 'error while loading shared libraries', 127)
  expect(await problemsOf({ go: null, mvn: false, prometheus: false, grafana: false })).toMatch(/java does not run/)
})

describe('versions', () => {
  test.each([
    ['go version go1.26.5 linux/amd64', '1.26.5'],
    ['\u001b[1mApache Maven 3.8.7\u001b[m', '3.8.7'],
    ['Redis server v=7.0.15 sha=00000000:0', '7.0.15'],
    ['openjdk version "21" 2023-09-19', '21'],
    ['no number', null],
  ])('in %j is %s', (text, version) => expect(versionIn(text)).toBe(version))

  test.each([
    ['1.26.5', '1.26.5', 0],
    ['1.26', '1.26.0', 0],
    ['1.9', '1.26', -1],
    ['17', '17.0.1', -1],
    ['1.26.10', '1.26.9', 1],
  ])('%s against %s is %i', (a, b, sign) => expect(Math.sign(compareVersions(a, b))).toBe(sign))
})

test('Grafana, which Debian does not package, is required only with --with grafana', async () => {
  await installAll()
  const needs = { go: null, mvn: false, prometheus: false, grafana: true }
  expect(await problemsOf(needs)).toMatch(/^.*\ngrafana is not installed\. Install it from https:\/\/grafana\.com/)
  await program('grafana', 'grafana version 9.5.2')
  expect(await problemsOf(needs)).toContain('is version 9.5.2, older than 10.')
  await program('grafana', 'grafana version 11.6.0')
  expect((await find(needs)).grafana).toEqual({ path: join(folder, 'grafana'), version: '11.6.0' })
})
