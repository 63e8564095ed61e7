import { expect, test } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { CertificatesView } from '../../src/gateway/certificates-view.ts'
import { ResultsView } from '../../src/gateway/results-view.ts'
import { AUTHORIZED, gatewayForTest, publishedOf } from './support.ts'

const certificate = (partition: number, sequence: number, start: number | null): Certificate =>
  ({ partition, sequence, window: start === null ? null : { start, end: start + 10 } }) as Certificate

test('the latest certificate of a window counts; certificates without a window are ignored; old ones are dropped', () => {
  const view = new CertificatesView(2)
  for (const one of [certificate(0, 1, 0), certificate(0, 2, 10), certificate(0, 3, null), certificate(1, 1, 0)])
    view.add(one)
  expect(view.of(0, 0)?.sequence).toBe(1)
  view.add(certificate(0, 4, 20))
  expect([view.of(0, 0), view.of(0, 10)?.sequence, view.of(0, 20)?.sequence]).toEqual([null, 2, 4])
  expect(view.of(1, 0)?.partition).toBe(1)
  expect(view.of(2, 0)).toBeNull()
})

test('over HTTP', async () => {
  const view = new CertificatesView(2)
  view.add(certificate(3, 1, -10))
  const { app } = gatewayForTest({ published: publishedOf(new ResultsView({ maxVms: 1, maxWindows: 1 }), view) })
  const get = (path: string) => app.inject({ method: 'GET', url: `/v1/certificates/${path}`, headers: AUTHORIZED })
  expect((await get('3/-10')).json()).toEqual(certificate(3, 1, -10))
  expect((await get('3/0')).json()).toMatchObject({ status: 404, code: 'NO_SUCH_CERTIFICATE' })
  for (const path of ['x/0', '-1/0', '3/1e3', '3/99999999999999999']) {
    expect((await get(path)).json()).toMatchObject({ status: 400, code: 'BAD_PARAMETER' })
  }
})
