/** Addresses of the page: each view's link leads back to the view, whatever ids contain. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf, parseHash, vmPath, type PageRoute } from '../../../src/page/client/routes.ts'

type Shown = Exclude<PageRoute, { view: 'unknown' }>

const routes: fc.Arbitrary<Shown> = fc.oneof(
  fc.record({ view: fc.constant('overview' as const), by: fc.constantFrom('partition', 'group', 'vm') }),
  fc.record({
    view: fc.constant('window' as const),
    partition: fc.integer({ min: 0, max: 99_999 }),
    start: fc.integer({ min: -8.64e15, max: 8.64e15 }),
  }),
  fc.record({
    view: fc.constant('vm' as const),
    vmId: fc.string({ minLength: 1, unit: 'grapheme' }),
    metric: fc.option(fc.string({ unit: 'grapheme' })),
  }),
  fc.record({ view: fc.constant('dead-letters' as const), reason: fc.option(fc.string({ unit: 'grapheme' })) }),
)

describe('addresses', () => {
  it.each(['.', '..', 'a/b', '%2e%2e', '?id=x'])(
    'the path of the VM %j keeps its id when a browser resolves it',
    (vmId) => {
      const { pathname, searchParams } = new URL(vmPath(vmId, 5), 'http://127.0.0.1')
      const [, id = ''] = /^\/v1\/vms\/([^/]+)\/windows$/.exec(pathname) ?? []
      expect(searchParams.get('id') ?? decodeURIComponent(id)).toBe(vmId)
      expect(searchParams.get('limit')).toBe('5')
    },
  )

  it('the link of a view leads to the view', () => {
    fc.assert(
      fc.property(routes, (route) => {
        expect(parseHash(hashOf(route))).toEqual(route)
      }),
    )
  })

  it('an id that is no well-formed text has a link, too', () => {
    expect(parseHash(hashOf({ view: 'vm', vmId: 'a\ud800', metric: null }))).toMatchObject({ vmId: 'a\ufffd' })
  })

  it.each(['', '#', '#/'])('%j is the overview', (hash) => {
    expect(parseHash(hash)).toEqual({ view: 'overview', by: 'partition' })
  })

  it.each([
    '#/nothing',
    '#/windows/1',
    '#/windows/a/0',
    '#/windows/1/0/2',
    '#/vms/%E0%A4%A',
    '#/vms/a/b',
    '#/windows/-1/0',
  ])('%j is no view', (hash) => {
    expect(parseHash(hash)).toEqual({ view: 'unknown' })
  })
})
