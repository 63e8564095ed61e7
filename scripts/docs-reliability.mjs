/**
 * Writes the figures of fault runs into docs/internals/reliability.md: `npm run docs:reliability`. The text between
 * `<!-- figures: NAME -->` and `<!-- written by … -->` becomes a table of docs/internals/reliability/NAME.json, to which the
 * runs append their figures.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PAGE = fileURLToPath(new URL('../docs/internals/reliability.md', import.meta.url))
const BLOCK = /(<!-- figures: (\w+) -->\n)([^]*?)(<!-- written by )/g

const TABLES = {
  runs: {
    head: ['command', 'time', 'records', 'results', 'faults', 'lost', 'doubled', 'wrong'],
    row: (run) => [
      code(run.command),
      `${Math.round(run.seconds / 60)} min`,
      thousands(run.records),
      thousands(run.vmWindows),
      Object.entries(run.faults)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', '),
      run.lost,
      run.doubled,
      run.wrong,
    ],
  },
  controls: {
    head: ['command', 'seed', 'time', 'found'],
    row: (run) => [code(run.command), run.seed, `${run.seconds} s`, run.what],
  },
  takeover: {
    head: ['command', 'points behind', 'session timeout', 'taken over after', 'first result after', 'load before'],
    row: (run) => [
      code(run.command),
      thousands(run.points),
      `${run.sessionTimeoutSeconds} s`,
      `${run.takenOverAfterSeconds} s`,
      `${run.firstResultAfterSeconds} s`,
      run.loadBefore,
    ],
  },
}

/** The table for the block of that name. */
export function tableOf(name) {
  const file = fileURLToPath(new URL(`../docs/internals/reliability/${name}.json`, import.meta.url))
  const { head, row } = TABLES[name]
  const rows = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).map(row) : []
  if (rows.length === 0) return '\nNone yet.\n\n'
  return `\n${[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n`
}

/** The blocks of a text, with their names. */
export function figuresIn(text) {
  return [...text.matchAll(BLOCK)].map(([, , name, body]) => ({ name, body }))
}

const code = (text) => `\`${text.replaceAll('|', '\\|')}\``
const thousands = (value) => value.toLocaleString('en-US')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(PAGE, 'utf8')
  writeFileSync(
    PAGE,
    text.replace(BLOCK, (_, head, name, _body, tail) => head + tableOf(name) + tail),
  )
}
