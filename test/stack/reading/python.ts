/** A Python with the packages of requirements.txt, in a virtual environment that is built once per machine. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtOnce, cacheFolder } from '../../../src/dev/stack/cache.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')

/** The path of the interpreter. */
export async function pythonWithPackages(): Promise<string> {
  const run = promisify(execFile)
  const { stdout: version } = await run('python3', ['--version'])
  const key = createHash('sha256').update(version).update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const folder = await builtOnce(cacheFolder(process.env, homedir()), `python-${key}`, async (into) => {
    await run('python3', ['-m', 'venv', into])
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', REQUIREMENTS]
    await run(join(into, 'bin/python'), install, { maxBuffer: 2 ** 26 })
  })
  return join(folder, 'bin/python')
}
