/** The pages of the documentation, and helpers that find code and prose in them. */
import { globSync } from 'tinyglobby'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/built.ts'

export interface Page {
  /** Path relative to the checkout. */
  readonly path: string
  readonly text: string
}

export const pages: readonly Page[] = globSync(['*.md', 'docs/**/*.md', 'examples/*.md', 'test/*.md'], { cwd: ROOT })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

export function pageAt(path: string): Page {
  const page = pages.find((one) => one.path === path)
  if (page === undefined) throw new Error(`the page ${path} does not exist`)
  return page
}

/** The contents of all fenced blocks of a language, in order. */
export function fences(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, lang, body]) =>
    lang === language ? [body ?? ''] : [],
  )
}

/** The text without fenced blocks, in which brackets and backticks have another meaning. */
export function prose(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '')
}
