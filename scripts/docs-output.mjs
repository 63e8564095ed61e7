/**
 * Writes real output into README.md: `npm run docs:output`. A block between `<!-- output: ARGUMENTS -->` and
 * `<!-- written by … -->` becomes what `windrow ARGUMENTS` prints, up to the paths of the machine that ran it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BLOCK = /(<!-- output: (.*) -->\n```text\n)([^]*?)(```\n<!-- written by )/g

/** The blocks of a text: arguments and what stands there. */
export function blocksOf(text) {
  return [...text.matchAll(BLOCK)].map(([, , args, body]) => ({ args, body }))
}

/** What stands in a block with these arguments. */
export function bodyOf(args) {
  const dataDir = mkdtempSync(join(tmpdir(), 'windrow-docs-'))
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [CLI, ...args.split(' '), '--data-dir', join(dataDir, 'd')],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`windrow ${args} ended with ${status}: ${stderr}`)
    return `$ windrow ${args}\n${stdout.split(/\n\n?results +/)[0].trimEnd()}\n`
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(README, 'utf8')
  writeFileSync(
    README,
    text.replace(BLOCK, (_, head, args, _body, tail) => head + bodyOf(args) + tail),
  )
}
