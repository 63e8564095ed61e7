/**
 * Writes the real output of commands into the documentation: `npm run docs:output`. The text between
 * `<!-- output: ARGUMENTS -->` and `<!-- written by … -->` is replaced by what `windrow ARGUMENTS` prints, without the lines
 * that name paths of this machine.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
/** Pages with output blocks, relative to the root of the project. */
export const PAGES = ['README.md', 'docs/operating/scale.md']
const BLOCK = /(<!-- output: (.*) -->\n```text\n)([^]*?)(```\n<!-- written by )/g

/** The output blocks of a text, with their arguments. */
export function blocksOf(text) {
  return [...text.matchAll(BLOCK)].map(([, , args, body]) => ({ args, body }))
}

/** The body of a block with these arguments: the output of the program. */
export function bodyOf(args) {
  const dataDir = mkdtempSync(join(tmpdir(), 'windrow-docs-'))
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      // `windrow size` only computes and has no data directory.
      [CLI, ...args.split(' '), ...(args.startsWith('size ') ? [] : ['--data-dir', join(dataDir, 'd')])],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`windrow ${args} ended with ${status}: ${stderr}`)
    return `$ windrow ${args}\n${stdout.split(/\n\n?results +/)[0].trimEnd()}\n`
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of PAGES) {
    const path = fileURLToPath(new URL(`../${page}`, import.meta.url))
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text.replace(BLOCK, (_, head, args, _body, tail) => head + bodyOf(args) + tail),
    )
  }
}
