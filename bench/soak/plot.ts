/** Draws the samples as a column of small charts, each from zero to slightly above its highest value. */
import type { Sample } from './sample.ts'

const WIDTH = 760
const CHART = { left: 190, width: 540, height: 80, gap: 34, top: 48 }
const SERIES: readonly { readonly key: Exclude<keyof Sample, 'seconds'>; readonly name: string }[] = [
  { key: 'memoryMib', name: 'memory, MiB' },
  { key: 'openFiles', name: 'open files' },
  { key: 'storeKeys', name: 'keys in the store' },
  { key: 'transactions', name: 'transactional ids' },
  { key: 'transactionsOpen', name: 'open transactions' },
]

/** An SVG document. */
export function plot(samples: readonly Sample[], command: string): string {
  const height = CHART.top + SERIES.length * (CHART.height + CHART.gap)
  const lastSeconds = samples.at(-1)?.seconds ?? 1
  const charts = SERIES.map(({ key, name }, i) => {
    const top = CHART.top + i * (CHART.height + CHART.gap)
    const highest = Math.max(1, ...samples.map((sample) => sample[key])) * 1.1
    const points = samples.map((sample) => {
      const x = CHART.left + (sample.seconds / lastSeconds) * CHART.width
      const y = top + CHART.height - (sample[key] / highest) * CHART.height
      return `${x.toFixed(1)},${y.toFixed(1)}`
    })
    const last = samples.at(-1)?.[key] ?? 0
    return [
      `<text x="10" y="${top + 14}">${name}</text>`,
      `<text x="10" y="${top + 34}" fill="#666">last ${last}, highest ${Math.round(highest / 1.1)}</text>`,
      `<rect x="${CHART.left}" y="${top}" width="${CHART.width}" height="${CHART.height}" fill="none" stroke="#ccc"/>`,
      `<polyline points="${points.join(' ')}" fill="none" stroke="#06c" stroke-width="1.5"/>`,
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="10" y="22">${command.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}: ${lastSeconds} s</text>`,
    ...charts,
    '</svg>',
    '',
  ].join('\n')
}
