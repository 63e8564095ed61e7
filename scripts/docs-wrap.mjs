/**
 * Wraps the prose of Markdown files at 100 columns: `npm run docs:wrap [-- FILE...]`, by default every page of the
 * project. Tables, code, headings, comments and HTML stay as they are. test/docs/wrap.test.ts checks the result.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { globSync } from 'tinyglobby'

const WIDTH = 100
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Every page of the documentation, without `node_modules` and build output. */
export const PAGES = ['*.md', '{docs,examples,k8s,loadtest,observability,schemas,stack,test,bench}/**/*.md']

/** Generated pages have one line per paragraph, as their tables have one line per row. */
export const GENERATED = /<!-- (Written|Generated) by /

const LIST_ITEM = /^(\s*)([-*+]|\d+\.)(\s+)/
/** Lines that are not prose: tables, headings, comments and HTML, images, rules. */
const FIXED = /^\s*(\||#{1,6} |<|!\[|---$)/
/** A line must not begin with these: Markdown would read a list item, a heading or a quotation. */
const OPENS_BLOCK = /^([-+*>]|#{1,6}|\d+[.)])$/

/** The text with its prose wrapped. */
export function wrapped(text) {
  const out = []
  let block = null
  let fenced = false
  const end = () => {
    if (block !== null) out.push(...fill(block))
    block = null
  }
  for (const line of text.split('\n')) {
    const isFence = /^\s*```/.test(line)
    const item = LIST_ITEM.exec(line)
    if (fenced || isFence || line.trim() === '' || FIXED.test(line)) {
      end()
      out.push(line)
      if (isFence) fenced = !fenced
    } else if (item !== null) {
      end()
      block = { first: item[0], rest: ' '.repeat(item[0].length), text: line.slice(item[0].length) }
    } else if (block === null) {
      const indent = /^\s*/.exec(line)?.[0] ?? ''
      block = { first: indent, rest: indent, text: line.trim() }
    } else {
      block.text += ` ${line.trim()}`
    }
  }
  end()
  return out.join('\n')
}

/** Lines of one paragraph or list item. Code spans are not broken. */
function fill({ first, rest, text }) {
  const words = text.trim().match(/(?:`[^`]*`|\S)+/g) ?? []
  const lines = []
  let line = []
  const indent = () => (lines.length === 0 ? first : rest)
  for (const word of words) {
    if (line.length > 0 && `${indent()}${[...line, word].join(' ')}`.length > WIDTH) {
      // A word that opens a block takes the word before it along to the next line.
      const along = OPENS_BLOCK.test(word) && line.length > 1 ? line.splice(-1) : []
      lines.push(indent() + line.join(' '))
      line = along
    }
    line.push(word)
  }
  return [...lines, indent() + line.join(' ')]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2)
  for (const path of given.length > 0 ? given : globSync(PAGES, { cwd: ROOT, absolute: true })) {
    const text = readFileSync(path, 'utf8')
    if (!GENERATED.test(text)) writeFileSync(path, wrapped(text))
  }
}
