/**
 * The structure of src/: which folder may import from which, as a table. The arrows form no circle, and no circle exists between
 * files either, including those that only types close. A new folder gets a row here; a new arrow is a decision, not an accident.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path/posix'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/built.ts'

/**
 * Each folder with the folders that it may import from, in layers: a folder imports only from rows above its own. Every folder
 * may import `errors`.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'adapters/bytes': [],
  core: [],
  embedded: ['adapters/bytes'],
  errors: [],
  'adapters/mapping': ['core'],
  'adapters/json': ['adapters/bytes', 'adapters/mapping', 'core'],
  ports: ['core'],
  verify: ['core'],
  ledger: ['core', 'ports'],
  retry: ['ports'],
  'adapters/avro': ['adapters/bytes', 'adapters/json', 'adapters/mapping', 'core', 'ledger'],
  'dead-letters': ['core', 'ledger'],
  workflows: ['core', 'ledger', 'ports'],
  'adapters/dapr': ['adapters/bytes', 'core', 'ports', 'retry', 'workflows'],
  'adapters/files': ['adapters/avro', 'adapters/bytes', 'adapters/json', 'adapters/mapping', 'core', 'ports'],
  'adapters/kafka': ['adapters/avro', 'adapters/bytes', 'adapters/json', 'adapters/mapping', 'core', 'ports', 'retry'],
  gateway: ['adapters/avro', 'adapters/bytes', 'adapters/json', 'adapters/mapping', 'core', 'ports'],
  pipeline: ['core', 'ledger', 'ports', 'retry', 'workflows'],
  'dev/stack': ['adapters/files', 'retry'],
  sinks: [
    'adapters/avro',
    'adapters/bytes',
    'adapters/dapr',
    'adapters/files',
    'adapters/kafka',
    'core',
    'ports',
    'retry',
  ],
  config: ['adapters/kafka', 'adapters/mapping', 'core', 'sinks'],
  replay: ['config', 'core', 'ledger', 'ports', 'sinks'],
  telemetry: ['adapters/dapr', 'config', 'core', 'gateway', 'ledger', 'ports', 'workflows'],
  app: [
    'adapters/avro',
    'adapters/dapr',
    'adapters/files',
    'adapters/json',
    'adapters/kafka',
    'adapters/mapping',
    'config',
    'core',
    'dead-letters',
    'embedded',
    'gateway',
    'ledger',
    'pipeline',
    'ports',
    'replay',
    'retry',
    'sinks',
    'telemetry',
    'verify',
    'workflows',
  ],
  library: ['adapters/files', 'app', 'config', 'core', 'sinks'],
  ui: ['app', 'core', 'dead-letters', 'ledger', 'replay', 'verify'],
  'dev/demo': ['adapters/files', 'app', 'config', 'core', 'ports', 'ui'],
  'dev/size': ['core', 'ui'],
  'index.ts': ['app', 'core', 'library'],
  page: [
    'adapters/avro',
    'adapters/dapr',
    'adapters/files',
    'adapters/kafka',
    'app',
    'config',
    'core',
    'dead-letters',
    'embedded',
    'gateway',
    'ledger',
    'pipeline',
    'ports',
    'retry',
    'sinks',
    'ui',
  ],
  cli: [
    'app',
    'config',
    'core',
    'dead-letters',
    'dev/demo',
    'dev/size',
    'dev/stack',
    'gateway',
    'ledger',
    'page',
    'replay',
    'sinks',
    'telemetry',
    'ui',
    'verify',
  ],
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** The folder of a file directly below src/, one level deeper in adapters and dev. */
function folderOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  if (!file.includes('/')) return first
  return ['adapters', 'dev'].includes(first) && file.split('/').length > 2 ? `${first}/${second}` : first
}

/** What each file imports of src/, by the compiler's own reading of imports and exports, type-only ones included. */
function importsOf(files: readonly string[], read: (file: string) => string): Graph {
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(read(file), true, true)
      const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'))
      return [file, new Set(own.map((name) => normalize(join(dirname(file), name))))]
    }),
  )
}

/** Groups of two or more that reach each other (Tarjan, "Depth-first search and linear graph algorithms", 1972). */
function circlesIn(graph: Graph): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const path: string[] = []
  const circles: string[][] = []
  const visit = (node: string): void => {
    order.set(node, order.size)
    low.set(node, order.get(node) as number)
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next)
      if (path.includes(next)) low.set(node, Math.min(low.get(node) as number, low.get(next) as number))
    }
    if (low.get(node) !== order.get(node)) return
    const circle = path.splice(path.indexOf(node))
    if (circle.length > 1) circles.push(circle.sort())
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return circles
}

function foldersOf(imports: Graph): Graph {
  const folders = new Map<string, Set<string>>()
  for (const [file, targets] of imports) {
    const from = folderOf(file)
    const known = folders.get(from) ?? new Set<string>()
    folders.set(from, known)
    for (const target of targets) if (folderOf(target) !== from) known.add(folderOf(target))
  }
  return folders
}

/** Arrows of the graph that the table does not have. */
function forbiddenArrows(folders: Graph): string[] {
  return [...folders].flatMap(([from, targets]) =>
    [...targets].filter((to) => to !== 'errors' && !(ALLOWED[from] ?? []).includes(to)).map((to) => `${from} -> ${to}`),
  )
}

const SRC = join(ROOT, 'src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
const imports = importsOf(files, (file) => readFileSync(join(SRC, file), 'utf8'))

describe('the checks themselves', () => {
  it('a file that the map of its folder does not name is found', () => {
    expect(unmapped(['compare-state.ts', 'verify.ts', 'seqs.ts'], 'compare-*.ts and verify.ts')).toEqual(['seqs.ts'])
  })

  it('a circle that only types close is found', () => {
    const sources: Record<string, string> = {
      'a.ts': "import type { B } from './b.ts'\nexport type A = B",
      'b.ts': "import type { A } from './a.ts'\nexport type B = A",
    }
    expect(circlesIn(importsOf(Object.keys(sources), (file) => sources[file] ?? ''))).toEqual([['a.ts', 'b.ts']])
  })

  it('an arrow that the table does not have is found', () => {
    expect(forbiddenArrows(new Map([['core', new Set(['pipeline', 'errors'])]]))).toEqual(['core -> pipeline'])
  })
})

/** Files that the map of their folder does not name: `x-*.ts` names all that begin with `x-`. The map's own file needs no line. */
function unmapped(names: readonly string[], map: string): string[] {
  const patterns = (map.match(/[\w*.-]+\.tsx?\b/g) ?? []).map((name) =>
    name.replaceAll('.', '\\.').replaceAll('*', '.*'),
  )
  return names.filter((name) => !patterns.some((pattern) => new RegExp(`^${pattern}$`).test(name)))
}

/** Where the map of a folder may be: its README.md, and the comment that one of its files begins with. */
function mapsOf(folder: string, names: readonly string[]): { readonly name: string; readonly text: string }[] {
  const readme = join(folder, 'README.md')
  const headers = names.map((name) => {
    const [text = ''] = /^(?:#!.*\n)?\/\*\*[^]*?\*\//.exec(readFileSync(join(folder, name), 'utf8')) ?? []
    return { name, text }
  })
  return existsSync(readme) ? [{ name: 'README.md', text: readFileSync(readme, 'utf8') }, ...headers] : headers
}

describe('the structure of src/', () => {
  const namesIn = (folder: string): string[] =>
    files.filter((file) => dirname(file) === folder).map((file) => basename(file))
  const folders = [...new Set(files.map((file) => dirname(file)))].filter((folder) => namesIn(folder).length > 5)
  it.each(folders)('a folder of more than five files has a map that names each of them: %s', (folder) => {
    const names = namesIn(folder)
    const missing = mapsOf(join(SRC, folder), names).map(({ name, text }) => unmapped(names, `${text} ${name}`))
    expect(missing.sort((a, b) => a.length - b.length)[0]).toEqual([])
  })

  it('only the policy of windows and its recount compute borders from the rules', () => {
    const readers = files.filter((file) => /\bsizeMs\b/.test(readFileSync(join(SRC, file), 'utf8')))
    // The others write the rules, name them, or make windows of their own.
    const writers = ['app/rules.ts', 'core/windowing.ts', 'dev/demo/arrivals.ts', 'ledger/job-record.ts']
    expect(readers.sort()).toEqual([...writers, 'core/window-policy.ts', 'verify/windows.ts'].sort())
  })

  it('no file reaches itself through its imports', () => {
    expect(circlesIn(imports)).toEqual([])
  })

  it('folders import only what the table allows', () => {
    expect(forbiddenArrows(foldersOf(imports))).toEqual([])
  })

  it('the table forms no circle and names only folders that exist', () => {
    const table = new Map(Object.entries(ALLOWED).map(([from, targets]) => [from, new Set(targets)]))
    expect(circlesIn(table)).toEqual([])
    const existing = new Set(files.map(folderOf))
    expect(Object.keys(ALLOWED).filter((folder) => !existing.has(folder))).toEqual([])
  })

  it('the library and the product load nothing of the tools for developers', () => {
    const product = [...imports].filter(([file]) => !/^(?:dev|cli)\//.test(file))
    const loaded = product.flatMap(([file, targets]) =>
      [...targets].filter((one) => one.startsWith('dev/')).map((one) => `${file}: ${one}`),
    )
    expect(loaded).toEqual([])
  })
})
