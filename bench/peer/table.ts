/** Formats the comparison as text: medians of the runs, relative to the comparator. */
import type { Measured } from './measure.ts'

const COLUMNS = ['', 'points/s', 'ratio', 'after start', 'ratio', 'CPU s', 'ratio'] as const

export function comparison(measured: readonly Measured[], peer: string): string {
  const names = [...new Set(measured.map(({ contender }) => contender))]
  const of = (name: string): readonly Measured[] => measured.filter(({ contender }) => contender === name)
  const rate = (name: string): number => median(of(name).map(({ points, seconds }) => points / seconds))
  const warm = (name: string): number => median(of(name).map((one) => one.points / one.secondsFromFirstRecord))
  const cpu = (name: string): number => median(of(name).map(({ cpuSeconds }) => cpuSeconds))
  const ratio = (value: number): string => value.toFixed(2)
  const servers = Object.keys(measured[0]?.serverCpuSeconds ?? {})
  const rows = names.map((name) => [
    name,
    ...[Math.round(rate(name)).toString(), ratio(rate(name) / rate(peer))],
    ...[Math.round(warm(name)).toString(), ratio(warm(name) / warm(peer))],
    ...[cpu(name).toFixed(1), ratio(cpu(name) / cpu(peer))],
    ...servers.map((part) => median(of(name).map((one) => one.serverCpuSeconds[part] ?? 0)).toFixed(1)),
  ])
  const table = [[...COLUMNS, ...servers.map((part) => `${part} CPU s`)], ...rows]
  const width = (column: number): number => Math.max(...table.map((row) => (row[column] ?? '').length))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column)))).join('  ')
  return table.map(line).join('\n')
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
