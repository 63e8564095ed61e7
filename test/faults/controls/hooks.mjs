/**
 * Module hooks (https://nodejs.org/api/module.html#customization-hooks) that replace modules of the program by those of this
 * folder, so the product needs no switches for tests. Test modules are TypeScript and import `src`, but the processor runs
 * the build in `dist`. So these hooks transpile the test modules and redirect their imports to `dist`.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = new URL('../../../', import.meta.url).href
const SRC = `${ROOT}src/`
const DIST = `${ROOT}dist/`
const TEST = `${ROOT}test/`

/** Modules that the program imports, each with its replacement. */
const REPLACED = new Map([
  [`${DIST}adapters/dapr/state-store.js`, new URL('state-store.ts', import.meta.url).href],
  [`${DIST}adapters/kafka/consumption.js`, new URL('consumption.ts', import.meta.url).href],
  [`${DIST}adapters/kafka/publisher.js`, new URL('publisher.ts', import.meta.url).href],
])

export async function resolve(specifier, context, next) {
  const isOfTests = context.parentURL?.startsWith(TEST) === true
  if (isOfTests && specifier.startsWith('.')) {
    const { href } = new URL(specifier, context.parentURL)
    if (!href.startsWith(SRC)) return { url: href, format: 'module', shortCircuit: true }
    return next(DIST + href.slice(SRC.length).replace(/\.ts$/, '.js'), context)
  }
  const found = await next(specifier, context)
  const replacement = isOfTests ? undefined : REPLACED.get(found.url)
  return replacement === undefined ? found : { url: replacement, format: 'module', shortCircuit: true }
}

export async function load(url, context, next) {
  if (!url.startsWith(TEST) || !url.endsWith('.ts')) return next(url, context)
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
  })
  return { format: 'module', source: outputText, shortCircuit: true }
}
