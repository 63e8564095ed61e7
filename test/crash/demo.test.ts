/** `windrow demo` interrupted in the middle: by kill -9, by SIGINT, and by a second SIGINT. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoIn, expectAsSent, SHORT, SHORT_FLAGS } from '../support/demo-runs.ts'
import { start, windrow, type Running } from '../support/windrow-process.ts'

let home: string
beforeAll(() => (home = mkdtempSync(join(tmpdir(), 'windrow-demo-crash-'))))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Resolves when the first results are published, in the middle of the run. */
function published(name: string, { ended }: Running): Promise<void> {
  const folder = join(home, name)
  return new Promise((resolve, reject) => {
    const watcher = watch(folder, () => {
      const stats = statSync(join(folder, 'results.ndjson'), { throwIfNoEntry: false })
      if ((stats?.size ?? 0) === 0) return
      watcher.close()
      resolve()
    })
    ended.then(({ stderr }) => reject(new Error(`it ended before it published: ${stderr}`)), reject)
  })
}

function startIn(name: string): Running {
  mkdirSync(join(home, name))
  return start([...demoIn(join(home, name), SHORT_FLAGS), '--json'])
}

describe('a demo that is interrupted in the middle', () => {
  test('resumes after kill -9 with the same command, to the same totals and results', async () => {
    const running = startIn('killed')
    await published('killed', running)
    running.child.kill('SIGKILL')
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL', stdout: '' })
    const { stdout } = await windrow([...demoIn(join(home, 'killed'), SHORT_FLAGS), '--json'])
    expectAsSent(join(home, 'killed'), SHORT, stdout)
  })

  test('ends with exit code 1 after SIGINT, and the printed command resumes it', async () => {
    const running = startIn('stopped')
    await published('stopped', running)
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const command = /STOPPED: stopped after [\d,]+ of [\d,]+ records\n {2}remedy: Nothing is lost. Resume with: (.*)\n/
    const resumeCommand = command.exec(stderr)?.[1] ?? stderr
    expect(resumeCommand).toContain(`--vms ${SHORT.vms} --points ${SHORT.points} --window 2h --seed 3`)
    const resumed = execFileSync('sh', ['-c', `${resumeCommand} --json`], { encoding: 'utf8', stdio: 'pipe' })
    expectAsSent(join(home, 'stopped'), SHORT, resumed)
  })

  test('ends at once after a second SIGINT, without loss', async () => {
    const running = startIn('hurried')
    await published('hurried', running)
    running.child.stderr?.on('data', (text: string) => {
      if (text.includes('press Ctrl-C again to force')) running.child.kill('SIGINT')
    })
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' })
    const { stdout } = await windrow([...demoIn(join(home, 'hurried'), SHORT_FLAGS), '--json'])
    expectAsSent(join(home, 'hurried'), SHORT, stdout)
  })
})
