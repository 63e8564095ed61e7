/** Finds the selectors of a PromQL expression. Covers the part of the grammar that dashboards and rules use. */

const KEYWORDS = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'and',
  'or',
  'unless',
  'bool',
])

/** Selectors, each a metric with its label matchers as written: `up{job="x"}`. */
export function selectorsIn(expression: string): string[] {
  // Lists of labels would look like metrics.
  const bare = expression.replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  // Strings may hold anything: a name in one is no metric.
  const selectors: string[] = []
  for (const [text, name = '', labels = ''] of bare.matchAll(
    /(?<![\w:$.[])([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?(?!\s*\(|[\w:])/g,
  )) {
    if (!KEYWORDS.has(name)) selectors.push(text.trim() === '' ? name : `${name}${labels}`)
  }
  return [...new Set(selectors)]
}

export function metricsIn(expression: string): string[] {
  return [...new Set(selectorsIn(expression).map((selector) => selector.replace(/\{.*$/s, '')))]
}
