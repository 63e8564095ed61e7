/**
 * The compiler's and ESLint's findings, from the same programs: `npm test` runs this instead of `npm run typecheck` and `npm run lint`
 * one after another. Rules with types and the compiler need the same types, and computing them is most of the time of both.
 *
 * Exits with 1 after printing all findings. Both caches are those of the two scripts: of the compiler, which notices every
 * change, and of ESLint, which does not notice types that changed in other files.
 */
import { dirname, join } from 'node:path'
import { ESLint } from 'eslint'
import ts from 'typescript'
import tseslint from 'typescript-eslint'

const ROOT = dirname(import.meta.dirname)
const CACHE = join(ROOT, 'node_modules', '.cache')

// The page's sources have a program of their own: only they may use what browsers provide.
const builders = [
  createProgram('.', 'typecheck.tsbuildinfo'),
  createProgram('src/page/client', 'typecheck-page.tsbuildinfo'),
]
const errors = builders.flatMap(diagnosticsOf)
if (errors.length > 0) {
  const host = { getCanonicalFileName: (path) => path, getCurrentDirectory: () => ROOT, getNewLine: () => '\n' }
  console.log(ts.formatDiagnostics(errors, host))
}

const results = await lint(builders.map((one) => one.getProgram()))
const formatter = await results.eslint.loadFormatter('stylish')
const report = await formatter.format(results.all)
if (report !== '') console.log(report)
// As `eslint` does, which allows warnings.
process.exitCode = errors.length > 0 || results.all.some(({ errorCount }) => errorCount > 0) ? 1 : 0

function createProgram(folder, cache) {
  const { config, error } = ts.readConfigFile(join(ROOT, folder, 'tsconfig.json'), ts.sys.readFile)
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  const { fileNames, options, errors: mistakes } = ts.parseJsonConfigFileContent(config, ts.sys, join(ROOT, folder))
  const cached = { incremental: true, tsBuildInfoFile: join(CACHE, cache) }
  return ts.createIncrementalProgram({
    rootNames: fileNames,
    options: { ...options, ...cached },
    configFileParsingDiagnostics: mistakes,
  })
}

function diagnosticsOf(program) {
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSemanticDiagnostics(),
  ]
  // Writes the compiler's cache only; the settings have `noEmit`.
  program.emit()
  return ts.sortAndDeduplicateDiagnostics(found)
}

/** ESLint by eslint.config.js, whose parser gets these programs instead of opening one of its own. */
async function lint(programs) {
  const parser = {
    // ESLint's cache identifies a parser by its name and version.
    meta: { name: 'typescript-eslint/shared-program', version: tseslint.parser.meta?.version ?? ts.version },
    parseForESLint: (code, options) =>
      tseslint.parser.parseForESLint(code, { ...options, projectService: false, programs }),
  }
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfig: { files: ['**/*.{ts,tsx}'], languageOptions: { parser, parserOptions: { projectService: false } } },
    cache: true,
    cacheLocation: join(CACHE, 'eslint', 'check.json'),
  })
  return { eslint, all: await eslint.lintFiles('.') }
}
