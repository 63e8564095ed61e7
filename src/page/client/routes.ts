/**
 * Addresses within the page. They are the part after `#`, so that the server has one document, every view can be linked to,
 * and the browser's history works. Pure.
 */

export type PageRoute =
  | { readonly view: 'overview'; readonly by: HeatBy }
  | { readonly view: 'window'; readonly partition: number; readonly start: number }
  | { readonly view: 'vm'; readonly vmId: string; readonly metric: string | null }
  | { readonly view: 'dead-letters'; readonly reason: string | null }
  | { readonly view: 'unknown' }

/** What the rows of the heat map are. */
export type HeatBy = 'partition' | 'group' | 'vm'

/** The hash of a view, to be used as a link. */
export function hashOf(route: Exclude<PageRoute, { view: 'unknown' }>): string {
  switch (route.view) {
    case 'overview':
      return { partition: '#/', group: '#/groups', vm: '#/vms' }[route.by]
    case 'window':
      return `#/windows/${route.partition}/${route.start}`
    case 'vm': {
      const base = `#/vms/${encoded(route.vmId)}`
      return route.metric === null ? base : `${base}?metric=${encoded(route.metric)}`
    }
    case 'dead-letters':
      return route.reason === null ? '#/dead-letters' : `#/dead-letters?reason=${encoded(route.reason)}`
  }
}

/** The path of a VM's answer in the API. Browsers resolve the segments `.` and `..` of a path, even when they are encoded. */
export function vmPath(vmId: string, limit: number): string {
  const path = /^\.\.?$/.test(vmId) ? `-/windows?id=${vmId}&` : `${encoded(vmId)}/windows?`
  return `/v1/vms/${path}limit=${limit}`
}

/** Half of a surrogate pair cannot be encoded, and ids may contain anything. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))
}

/** The view of a hash. One that no view has is `unknown`, and so is one that cannot be decoded. */
export function parseHash(hash: string): PageRoute {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const parameters = new Map(query.split('&').map((pair) => pair.split('=', 2) as [string, string | undefined]))
  try {
    const parts = path === '' ? [] : path.split('/').map(decodeURIComponent)
    const parameter = (name: string): string | null => {
      const value = parameters.get(name)
      return value === undefined ? null : decodeURIComponent(value)
    }
    return routeOfParts(parts, parameter) ?? { view: 'unknown' }
  } catch (error) {
    if (error instanceof URIError) return { view: 'unknown' }
    throw error
  }
}

function routeOfParts(parts: readonly string[], parameter: (name: string) => string | null): PageRoute | null {
  const [first, second, third] = parts
  if (parts.length === 0) return { view: 'overview', by: 'partition' }
  if (first === 'groups' && parts.length === 1) return { view: 'overview', by: 'group' }
  if (first === 'vms' && parts.length === 1) return { view: 'overview', by: 'vm' }
  if (first === 'vms' && parts.length === 2 && second !== undefined) {
    return { view: 'vm', vmId: second, metric: parameter('metric') }
  }
  if (first === 'dead-letters' && parts.length === 1) return { view: 'dead-letters', reason: parameter('reason') }
  if (first !== 'windows' || parts.length !== 3) return null
  if (!/^\d{1,6}$/.test(second ?? '') || !/^-?\d{1,16}$/.test(third ?? '')) return null
  return { view: 'window', partition: Number(second), start: Number(third) }
}
