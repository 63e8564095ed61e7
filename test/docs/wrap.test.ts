/** Prose in Markdown wraps at 100 columns, so that a change shows up as the lines that it changes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { globSync } from 'tinyglobby'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../support/built.ts'
import { prose } from './pages.ts'

const WIDTH = 100

interface Script {
  readonly PAGES: readonly string[]
  readonly GENERATED: RegExp
  readonly wrapped: (text: string) => string
}
const { PAGES, GENERATED, wrapped } = (await import(join(ROOT, 'scripts/docs-wrap.mjs'))) as Script
const written = globSync([...PAGES], { cwd: ROOT, ignore: ['**/node_modules/**'] }).filter(
  (path) => !GENERATED.test(readFileSync(join(ROOT, path), 'utf8')),
)

/** A line that cannot be shorter: a row of a table, a heading, a comment, HTML, an image, or one long word. */
const isExempt = (line: string): boolean =>
  /^\s*(\||#|<|!\[)/.test(line) || !/\S\s+\S/.test(line.replace(/^\s*([-*]|\d+\.)\s+/, ''))

test.each(written)('%s wraps at 100 columns; `npm run docs:wrap` does it', (path) => {
  const lines = prose(readFileSync(join(ROOT, path), 'utf8')).split('\n')
  expect(lines.filter((line) => line.length > WIDTH && !isExempt(line))).toEqual([])
})

describe('npm run docs:wrap', () => {
  const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ')

  test('wraps paragraphs and list items, and indents what continues an item', () => {
    const text = `${words(30)}\n\n- ${words(30)}\n`
    const lines = wrapped(text).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(WIDTH)
    expect(lines.filter((line) => line !== '').map((line) => line.slice(0, 3))).toEqual(['wor', 'wor', '- w', '  w'])
  })

  test.each([
    ['code', `\`\`\`sh\n${words(30)}\n\`\`\`\n`],
    ['a table', `| ${words(30)} |\n|---|\n`],
    ['a heading', `## ${words(30)}\n`],
    ['a code span', `\`${words(30)}\`\n`],
  ])('leaves %s as it is', (_, text) => {
    expect(wrapped(text)).toBe(text)
  })

  test('begins no line with what Markdown reads as a list item', () => {
    const long = 'w'.repeat(50)
    expect(wrapped(`${long} ${long.slice(2)} - end\n`)).toBe(`${long}\n${long.slice(2)} - end\n`)
  })

  test('changes nothing when it is run again', () => {
    for (const path of written) {
      const once = wrapped(readFileSync(join(ROOT, path), 'utf8'))
      expect(wrapped(once), path).toBe(once)
    }
  })
})
