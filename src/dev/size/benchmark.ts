/** The model against what was measured: how far its constants are from the runs, those they were taken from and those they were not. */
import { PARTS, RUNS } from './constants.ts'
import { predictedRun } from './model.ts'

/** A markdown table: for each run and part, CPU seconds as computed and as measured, and how far the one is from the other. */
export function benchmarkTable(): string {
  const head = ['run', ...PARTS]
  const rows = RUNS.map((run) => {
    const predicted = predictedRun(run)
    const cells = PARTS.map((part) => {
      const measured = run.cpuSeconds[part]
      if (!Number.isFinite(measured)) return ''
      const error = (predicted[part] / measured - 1) * 100
      const text = `${predicted[part].toFixed(1)} / ${measured.toFixed(1)}, ${error < 0 ? '−' : '+'}${Math.abs(error).toFixed(0)} %`
      return run.fitted.includes(part) ? text : `**${text}**`
    })
    return [`\`${run.command.replace('npm run bench:peer -- ', '')}\``, ...cells]
  })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')}\n`
}
