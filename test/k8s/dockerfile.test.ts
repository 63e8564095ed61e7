/** The Dockerfile follows the rules, and each rule detects its violation. The tests do not build it, since that needs Docker. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/built.ts'
import { DOCKER_RULES, dockerProblems } from './dockerfile.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const text = read('Dockerfile')
/** The build context contains only the paths that .dockerignore re-includes. */
const context = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1))
const exists = (path: string): boolean => context.includes(path) && existsSync(join(ROOT, path))

it('the Dockerfile follows every rule', () => {
  expect(dockerProblems(text, exists)).toEqual([])
})

it('the image contains all files of the package that a run needs', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] }
  // `windrow stack`, its dashboards and the documentation are not needed in a container.
  const others = ['stack', 'observability', 'docs', 'CHANGELOG.md']
  const needed = files.filter((path) => !path.startsWith('!') && !others.includes(path))
  for (const path of needed) expect(text).toMatch(new RegExp(`COPY .*${path} \\./${path}\n`))
})

it('the image runs as the user of the manifests', () => {
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

describe('each rule detects', () => {
  it.each(BREAKERS)('%s: %s becomes %s', (rule, from, to) => {
    const broken = text.replace(from, to)
    expect(broken).not.toBe(text)
    expect(dockerProblems(broken, exists).map((problem) => problem.split(':')[0])).toContain(rule)
  })

  it('every rule is broken by at least one case', () => {
    expect(new Set(BREAKERS.map(([rule]) => rule))).toEqual(new Set(Object.keys(DOCKER_RULES)))
  })
})
