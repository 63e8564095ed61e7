/** Every setting has unique names, and a description for the help and the reference. */
import { expect, test } from 'vitest'
import { settingOf, settings } from '../../src/config/names.ts'

test.each(['key', 'name', 'flag'] as const)('no two settings share a %s', (field) => {
  const names = settings.map((s) => s[field]).filter((name) => name !== null)
  expect(names).toEqual([...new Set(names)])
})

test('no two settings share a variable', () => {
  const variables = settings.flatMap((s) => s.env)
  expect(variables).toEqual([...new Set(variables)])
})

test('names follow from the key: without its unit, in the spelling of flags, variables and files', () => {
  expect(settingOf('expectEveryMs')).toMatchObject({
    name: 'expectEvery',
    flag: '--expect-every',
    env: ['WINDROW_EXPECT_EVERY'],
  })
  expect(settingOf('vmsPerWorkflow')).toMatchObject({ name: 'vmsPerWorkflow', flag: '--vms-per-workflow' })
  expect(settingOf('daprGrpcPort').env).toEqual(['WINDROW_DAPR_GRPC_PORT', 'DAPR_GRPC_PORT'])
})

test('an object can only be set in the file', () => {
  expect(settingOf('fields')).toMatchObject({ name: 'fields', flag: null, env: [] })
})

// Kubernetes sets WINDROW_PORT, WINDROW_SERVICE_HOST and so on in every pod beside a Service named windrow.
test('no variable is one that Kubernetes sets for a Service named windrow', () => {
  const taken = settings.flatMap((s) => s.env).filter((name) => /^WINDROW_(PORT|SERVICE)(_|$)/.test(name))
  expect(taken).toEqual([])
})

test.each(settings.map((s) => [s.name, s] as const))(
  '%s has a description, its accepted values and its default',
  (_, { meta }) => {
    expect(meta.help).toMatch(/^[A-Z].*[^.]$/)
    expect(meta.expects).not.toBe('')
    expect(meta.details ?? 'A sentence.').toMatch(/^[A-Z`].*\.$/s)
    expect([meta.default !== undefined, meta.derivedDefault !== undefined].filter(Boolean)).toHaveLength(1)
  },
)

test.each(settings.filter((s) => s.meta.default !== undefined).map((s) => [s.name, s] as const))(
  'the default of %s is a valid value',
  (_, { parse, meta }) => {
    expect(parse(meta.default)).toHaveProperty('value')
  },
)
