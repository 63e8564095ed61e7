/** The texts that people read, with what tests need to find in them. */
import { globSync } from 'tinyglobby'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/built.ts'

export interface Page {
  /** Relative to the checkout. */
  readonly path: string
  readonly text: string
}

export const pages: readonly Page[] = globSync(['*.md', 'docs/**/*.md', 'examples/*.md', 'test/*.md'], { cwd: ROOT })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

export function pageAt(path: string): Page {
  const page = pages.find((one) => one.path === path)
  if (page === undefined) throw new Error(`there is no page ${path}`)
  return page
}

/** Bodies of the fenced blocks of a language, in order. */
export function fences(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, lang, body]) =>
    lang === language ? [body ?? ''] : [],
  )
}

/** Without fenced blocks, in which brackets and backticks mean something else. */
export function prose(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '')
}
