/**
 * Keeps the project's language plain. Sources, docs, help texts and test titles are searched for terms of a private dialect;
 * each has a standard term that says the same to every engineer of this field.
 *
 * What is searched: comments, string and template literals and the words of identifiers in all TypeScript and JavaScript files
 * (help texts and errors are string literals; test titles too), whole Markdown and YAML files, and the descriptions in schemas.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/built.ts'

/** Terms that stop a reader, each with what to write instead. */
const TERMS: readonly { readonly term: RegExp; readonly instead: string }[] = [
  { term: /\b(?:tells?|told|telling)\b/i, instead: 'emit, report, log, notify, show' },
  { term: /\bmend(?:s|ed|ing)?\b/i, instead: 'fix, repair' },
  { term: /\b(?:go|goes|going|went) on\b/i, instead: 'continue, resume' },
  { term: /\banew\b/i, instead: 'again, or re- (re-read, rejoin)' },
  { term: /\bonce more\b/i, instead: 'again' },
  { term: /\bwhoever\b|\bwho(?:ever)? looks? on\b/i, instead: 'the caller, the owner, the operator' },
  { term: /\b(?:nobody|somebody)\b/i, instead: 'the actor: the owner, a caller, no process' },
  { term: /\b(?:is|are|was|were|be) asked for\b|\basks? of\b/i, instead: 'is requested, requires' },
  { term: /\btak(?:e|es|en|ing) for\b/i, instead: 'treated as' },
  { term: /\bin the place of\b/i, instead: 'instead of' },
  { term: /\b(?:by itself|of itself|by themselves)\b/i, instead: 'automatically, on its own' },
  { term: /\b(?:drive|drives|driven) again\b/i, instead: 'retry' },
  { term: /\bthe way of an?\b/i, instead: 'the path of, data flow' },
  { term: /\b(?:late |exact |of )?copies of (?:a |the )?points?\b|\blate cop(?:y|ies)\b/i, instead: 'duplicates' },
  { term: /\btakes? no more\b/i, instead: 'stops accepting' },
  { term: /\bshuts? (?:\w+ )?out\b/i, instead: 'fences' },
  { term: /\b(?:mischief|weather)\b/i, instead: 'fault plan, workload' },
  { term: /\bhalted since\b|\blevel again\b/i, instead: 'halted at, recovery time' },
  { term: /\bpasses by\b/i, instead: 'is transient' },
  { term: /\blooks? (?:on|after)\b/i, instead: 'observe, watch' },
]

/** Places where a term is right, by file and a part of the text. Keep this list short. */
const EXCEPTIONS: readonly { readonly file: RegExp; readonly text: RegExp }[] = [
  { file: /^test\/words\.test\.ts$/, text: /./ },
  { file: /^LICENSE$/, text: /./ },
]

interface Finding {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** All tracked files of these endings; no generated or vendored ones. */
function tracked(...endings: readonly string[]): string[] {
  const patterns = endings.map((ending) => `*${ending}`)
  const listed = execFileSync('git', ['ls-files', '--', ...patterns], { cwd: ROOT, encoding: 'utf8' })
  return listed
    .split('\n')
    .filter((file) => file !== '' && !/(^|\/)(package-lock\.json|fixtures|saved)(\/|$)/.test(file))
}

/** `someName` and `SOME_NAME` as separate words, so that identifiers are read like prose. */
function wordsOf(identifier: string): string {
  return identifier.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ')
}

/** Comments, literals and identifiers of a source file, each with its line. */
function proseOf(source: string, name: string): { readonly line: number; readonly text: string }[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true)
  const lineAt = (position: number): number => file.getLineAndCharacterOfPosition(position).line + 1
  const found: { line: number; text: string }[] = []
  const addText = (position: number, text: string): void => {
    const first = lineAt(position)
    text.split('\n').forEach((line, index) => found.push({ line: first + index, text: line }))
    // A phrase that a line break separates.
    if (text.includes('\n')) found.push({ line: first, text: text.replace(/\s*\n[\s*/#]*/g, ' ') })
  }
  const seen = new Set<number>()
  const addComments = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue
      seen.add(pos)
      addText(pos, source.slice(pos, end))
    }
  }
  const visit = (node: ts.Node): void => {
    addComments(ts.getLeadingCommentRanges(source, node.getFullStart()))
    addComments(ts.getTrailingCommentRanges(source, node.getEnd()))
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node) ||
      ts.isJsxText(node)
    ) {
      addText(node.getStart(), node.text)
    } else if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      found.push({ line: lineAt(node.getStart()), text: wordsOf(node.text) })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  addComments(ts.getLeadingCommentRanges(source, file.endOfFileToken.getFullStart()))
  return found
}

const ANY_TERM = new RegExp(TERMS.map(({ term }) => term.source).join('|'), 'i')

/** Whether a file can hold a term at all: a quick search of the whole text, so that few files have to be parsed. */
function mayHaveTerms(text: string): boolean {
  const spaced = text.replace(/\\[nrtvfb0]/g, ' ')
  return ANY_TERM.test(spaced) || ANY_TERM.test(wordsOf(spaced.replace(/\s*\n[\s*/#]*/g, ' ')))
}

/** Every use of a term in a file that no exception allows. */
function dialectIn(file: string, text: string): Finding[] {
  if (!mayHaveTerms(text)) return []
  const isCode = /\.(?:tsx?|mjs|cjs|js)$/.test(file)
  const lines = isCode ? proseOf(text, file) : text.split('\n').map((line, index) => ({ line: index + 1, text: line }))
  const findings = new Map<string, Finding>()
  for (const { line, text: prose } of lines) {
    if (EXCEPTIONS.some((one) => one.file.test(file) && one.text.test(prose))) continue
    for (const { term, instead } of TERMS) {
      const match = term.exec(prose)
      if (match === null) continue
      findings.set(`${line}:${match[0]}`, {
        file,
        line,
        text: `"${match[0]}" (write: ${instead}) in: ${prose.trim().slice(0, 100)}`,
      })
    }
  }
  return [...findings.values()]
}

describe('the language of the project', () => {
  const files = tracked('.ts', '.tsx', '.mjs', '.cjs', '.js', '.md', '.yaml', '.yml', '.avsc', '.sh', '.patch')

  it.each([
    ['a comment', '// Nothing is told of it.\n'],
    ['an identifier', 'const windowsTold = 1\n'],
    ['a test title', "it('goes on after a crash', () => {})\n"],
    ['a phrase across a line break', '/** It reads the state and goes\n * on. */\n'],
    ['an escaped string', "const message = '\\tgoes on'\n"],
    ['a template', 'const message = `partition ${1} is halted since ${2}`\n'],
  ])('a term of the dialect in %s is found', (_, source) => {
    expect(dialectIn('src/some.ts', source)).toHaveLength(1)
  })

  it('a term of the dialect in Markdown is found', () => {
    expect(dialectIn('docs/some.md', 'It is ready.\nIt goes on.\n')).toMatchObject([{ line: 2 }])
  })

  it('every file uses the standard terms', () => {
    const findings = files.flatMap((file) => dialectIn(file, readFileSync(join(ROOT, file), 'utf8')))
    expect(findings.map(({ file, line, text }) => `${file}:${line}: ${text}`)).toEqual([])
  })
})
