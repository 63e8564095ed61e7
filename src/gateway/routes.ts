/** All routes of the gateway. Metrics use the route's pattern, since the number of different paths is unbounded. */
export const ROUTES = [
  '/v1/points',
  '/v1/manifests',
  '/v1/metrics',
  '/v1/write',
  '/v1/vms/:id',
  '/v1/windows',
  '/v1/certificates/:partition/:window',
  '/livez',
  '/readyz',
  '/openapi.json',
] as const

export type Route = (typeof ROUTES)[number] | 'other'

export function routeOf(path: string | undefined): Route {
  return ROUTES.find((route) => route === path) ?? 'other'
}
