/**
 * Bundles the page of `windrow ui` for browsers: src/page/client and its libraries become one script and one style sheet in
 * dist/page/assets, next to the HTML and the icon. The package contains the result, so users need no build step and no
 * library. Types are checked elsewhere (`npm run typecheck`).
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLIENT = join(ROOT, 'src', 'page', 'client')
const ASSETS = join(ROOT, 'dist', 'page', 'assets')

export async function buildPage() {
  rmSync(ASSETS, { recursive: true, force: true })
  mkdirSync(ASSETS, { recursive: true })
  const bundle = await rolldown({
    input: join(CLIENT, 'main.tsx'),
    platform: 'browser',
    transform: { target: 'es2023' },
  })
  // Comments with licences stay.
  await bundle.write({ file: join(ASSETS, 'page.js'), format: 'esm', minify: true, sourcemap: false })
  await bundle.close()
  const charts = readFileSync(join(ROOT, 'node_modules', 'uplot', 'dist', 'uPlot.min.css'), 'utf8')
  writeFileSync(join(ASSETS, 'page.css'), `${charts}\n${readFileSync(join(CLIENT, 'page.css'), 'utf8')}`)
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(CLIENT, name), join(ASSETS, name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage()
