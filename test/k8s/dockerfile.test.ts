/** The Dockerfile keeps the rules, and each rule notices when it does not. Building it takes Docker, which is not here. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/built.ts'
import { DOCKER_RULES, dockerProblems } from './dockerfile.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const text = read('Dockerfile')
/** In the context is what .dockerignore lets through again. */
const context = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1))
const exists = (path: string): boolean => context.includes(path) && existsSync(join(ROOT, path))

it('the Dockerfile keeps every rule', () => {
  expect(dockerProblems(text, exists)).toEqual([])
})

it('brings along what the package does that a run needs', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] }
  // `windrow stack`, with its dashboards, and the documents are for people's machines.
  const others = ['stack', 'observability', 'docs', 'CHANGELOG.md']
  const needed = files.filter((path) => !path.startsWith('!') && !others.includes(path))
  for (const path of needed) expect(text).toMatch(new RegExp(`COPY .*${path} \\./${path}\n`))
})

it('runs as the user that the manifests name', () => {
  expect(read('k8s/base/processor.yaml')).toContain('runAsUser: 10001')
  expect(text).toContain('USER 10001:10001')
})

const BREAKERS: readonly [rule: string, from: string | RegExp, to: string][] = [
  ['pinned-base', 'debian:12.12-slim', 'debian:stable'],
  ['pinned-base', 'node:22.20.0-bookworm-slim', 'node'],
  ['multi-stage', /FROM debian[^]*?\n/, '\n'],
  ['non-root', 'USER 10001:10001', 'USER root'],
  ['non-root', 'USER 10001:10001\n', ''],
  ['exec-form', 'CMD ["--help"]', 'CMD --help'],
  ['named-copies', 'COPY src ./src', 'COPY . ./src'],
  ['copies-exist', 'COPY schemas ./schemas', 'COPY test ./schemas'],
  ['no-add', 'COPY schemas ./schemas', 'ADD schemas ./schemas'],
  ['locked-packages', 'npm ci --ignore-scripts', 'npm install'],
  ['locked-packages', ' --ignore-scripts --no-audit', ' --no-audit'],
  ['no-secrets', 'ENV NODE_ENV', 'ENV NPM_TOKEN=x NODE_ENV'],
]

describe('each rule notices', () => {
  it.each(BREAKERS)('%s: %s becomes %s', (rule, from, to) => {
    const broken = text.replace(from, to)
    expect(broken).not.toBe(text)
    expect(dockerProblems(broken, exists).map((problem) => problem.split(':')[0])).toContain(rule)
  })

  it('every one of them is broken by some case', () => {
    expect(new Set(BREAKERS.map(([rule]) => rule))).toEqual(new Set(Object.keys(DOCKER_RULES)))
  })
})
