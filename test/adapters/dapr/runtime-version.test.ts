/** Which versions of daprd are reported as unsafe, and that everything that users install names the recommended one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import type { DaprApi } from '../../../src/adapters/dapr/runtime-api.ts'
import { DEPLOYED_DAPR_VERSION, isUnsafeDapr, runtimeVersionOf } from '../../../src/adapters/dapr/runtime-version.ts'
import { ROOT } from '../../support/built.ts'

test.each([
  ['1.18.2', true],
  ['1.18.5', true],
  ['v1.17.9', true],
  ['0.99.99', true],
  ['1.18.6', false],
  ['1.18.10', false],
  ['1.19.0', false],
  ['2.0.0', false],
  ['1.19.0-rc.1', false],
  ['edge', false],
])('daprd %s is unsafe: %s', (version, isUnsafe) => {
  expect(isUnsafeDapr(version)).toBe(isUnsafe)
})

test('the version to deploy is safe', () => {
  expect(isUnsafeDapr(DEPLOYED_DAPR_VERSION)).toBe(false)
})

test.each([
  'compose.yaml',
  'k8s/README.md',
  'k8s/base/processor.yaml',
  'k8s/aks/main.bicep',
  'docs/operating/upgrade.md',
])('%s names the version to deploy and no other', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const installed = [
    ...text.matchAll(/dapr(?:io)?\/(?:daprd|placement|scheduler):([^\s`]+)/g),
    ...text.matchAll(/charts\/dapr --version (\S+)/g),
    ...text.matchAll(/daprVersion string = '(\S+)'/g),
  ].map(([, version]) => version)
  expect(installed.length).toBeGreaterThan(0)
  expect(new Set(installed)).toEqual(new Set([DEPLOYED_DAPR_VERSION]))
})

describe('the version of a sidecar', () => {
  const clientOf = (getMetadata: () => Promise<object>) => ({ api: { getMetadata } as unknown as DaprApi })

  it('is the one in its metadata', async () => {
    expect(await runtimeVersionOf(clientOf(async () => ({ runtimeVersion: '1.18.7' })))).toBe('1.18.7')
  })

  it('is unknown if the sidecar does not say so or does not allow the question', async () => {
    expect(await runtimeVersionOf(clientOf(async () => ({ runtimeVersion: '' })))).toBeNull()
    const denied = Object.assign(new Error('Not Implemented'), { code: 12 })
    expect(await runtimeVersionOf(clientOf(() => Promise.reject(denied)))).toBeNull()
  })
})
