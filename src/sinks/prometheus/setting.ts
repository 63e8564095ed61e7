/** What `--results prometheus:URL` names: an address of remote write, and the figures that are written there. */
import type { SinkSetting } from '../sink.ts'

export interface PrometheusSetting extends SinkSetting {
  readonly kind: 'prometheus'
  readonly url: string
  /** Figures of the aggregator; each is a metric of Prometheus. */
  readonly figures: readonly string[]
  /** What the names of these metrics begin with. */
  readonly prefix: string
}

export const PROMETHEUS_FORM = 'prometheus:URL'
const PREFIX = 'prometheus:'
const PARAMETERS = ['figures', 'prefix']
const DEFAULT_PATH = '/api/v1/write'
const DEFAULT_FIGURES = 'count,mean,max,p95'
const DEFAULT_PREFIX = 'windrow_'
/** What a name of a metric may consist of, https://prometheus.io/docs/concepts/data_model/. */
const NAME_START = /^[A-Za-z_:][\w:]*$/
const NAME_REST = /^[\w:]+$/

interface Problem {
  readonly problem: string
}

/** Problems never show the address, since it may contain a password. */
export function parsePrometheus(text: string): PrometheusSetting | Problem | null {
  if (!text.startsWith(PREFIX)) return null
  const address = text.slice(PREFIX.length)
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return { problem: 'the address after prometheus: is not http://HOST/PATH or https://HOST/PATH' }
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'the address of Prometheus contains a user or a password, which others can read there' }
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) return { problem: `${unknown}= is none of ${PARAMETERS.join(', ')}` }
  const figures = [...new Set((url.searchParams.get('figures') ?? DEFAULT_FIGURES).split(','))]
  const prefix = url.searchParams.get('prefix') ?? DEFAULT_PREFIX
  const wrong = figures.find((figure) => !NAME_REST.test(figure) || !NAME_START.test(`${prefix}${figure}`))
  if (wrong !== undefined) {
    const name = JSON.stringify(`${prefix}${wrong}`)
    return { problem: `${name} (prefix and figure) is not a name of a metric: letters, digits, _ and :` }
  }
  return {
    ...{ kind: 'prometheus', figures, prefix },
    url: `${url.origin}${url.pathname === '/' ? DEFAULT_PATH : url.pathname}`,
  }
}

/** How the sink names a place in messages. */
export function prometheusDestination({ url }: PrometheusSetting): string {
  return `remote write to ${url}`
}
