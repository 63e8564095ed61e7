/** Compares the sizing model with the measured runs: those its constants were fitted to and those that were held out. */
import { COMPONENTS, RUNS } from './constants.ts'
import { predictedRun } from './model.ts'

/** A Markdown table: for each run and component, the predicted and the measured CPU seconds and the relative error. */
export function benchmarkTable(): string {
  const head = ['run', ...COMPONENTS]
  const rows = RUNS.map((run) => {
    const predicted = predictedRun(run)
    const cells = COMPONENTS.map((component) => {
      const measured = run.cpuSeconds[component]
      if (!Number.isFinite(measured)) return ''
      const error = (predicted[component] / measured - 1) * 100
      const text = `${predicted[component].toFixed(1)} / ${measured.toFixed(1)}, ${error < 0 ? '−' : '+'}${Math.abs(error).toFixed(0)} %`
      return run.fitted.includes(component) ? text : `**${text}**`
    })
    return [`\`${run.command.replace('npm run bench:peer -- ', '')}\``, ...cells]
  })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')}\n`
}
