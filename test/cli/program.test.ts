/** Help, usage errors and exit codes, the same for every command. */
import { describe, expect, test } from 'vitest'
import type { CliCommand } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { addSettingFlags } from '../../src/cli/flags.ts'
import { createProgram, execute } from '../../src/cli/program.ts'
import { settings } from '../../src/config/names.ts'
import { ConfigurationError, WindrowError } from '../../src/errors/index.ts'
import { fakeCli, only } from './cli-context.ts'

/** A command whose action the test defines. */
function commandThat(run: CliCommand['run']): CliCommand {
  const example = { line: 'windrow try', does: 'tries' }
  return { name: 'try', example, configure: (command) => addSettingFlags(command), run }
}

async function outcome(args: readonly string[], list = commands, env = {}) {
  const cli = fakeCli(env)
  const exitCode = await execute(list, args, cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

const loaded = await Promise.all(commands.map((listed) => listed.load()))

describe.each(loaded.map((c) => [c.name, c] as const))('windrow %s', (name, command) => {
  test('--help fits a terminal of 80 by 24, prompt included, and shows an example', async () => {
    const { exitCode, stdout, stderr } = await outcome([name, '--help'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(23)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(stdout).toContain(`  ${command.example.line}\n`)
  })

  test('its example names the command and only its own flags', () => {
    const words = command.example.line.split(' ')
    expect(words.slice(0, 2)).toEqual(['windrow', name])
    expect(flagsOf(command)).toEqual(expect.arrayContaining(words.filter((word) => word.startsWith('--'))))
  })

  test('it has --json', () => {
    expect(flagsOf(command)).toContain('--json')
  })

  test('an unknown flag is an error that suggests the intended one, and nothing is run', async () => {
    expect(await outcome([name, '--jsn'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `windrow: USAGE: unknown flag --jsn\n  remedy: Did you mean --json? See windrow ${name} --help.\n`,
    })
  })
})

function flagsOf(command: CliCommand): (string | undefined)[] {
  const built = createProgram(only(command), command, fakeCli().context, () => undefined).commands[0]
  return built?.options.map((option) => option.long) ?? []
}

test('no two commands share a name, and each has the name under which it is listed', () => {
  const names = commands.map((c) => c.name)
  expect(names).toEqual([...new Set(names)])
  expect(loaded.map((c) => c.name)).toEqual(names)
})

test('every setting that a flag can give is accepted by run, under its name', async () => {
  const seen: Record<string, unknown> = {}
  const list = only(commandThat(async (flags) => (Object.assign(seen, flags), 0)))
  const given = settings.flatMap(({ flag, meta }) =>
    flag === null ? [] : meta.placeholder === null ? [flag] : [flag, 'x'],
  )
  expect(await outcome(['try', ...given], list)).toMatchObject({ exitCode: 0, stderr: '' })
  expect(Object.keys(seen).sort()).toEqual(settings.flatMap(({ flag, name }) => (flag === null ? [] : [name])).sort())
})

test('flags that are not given are absent, so that they do not hide the file', async () => {
  const list = only(commandThat(async (flags) => (expect(flags).toEqual({ grace: '1m' }), 0)))
  expect(await outcome(['try', '--grace', '1m'], list)).toMatchObject({ exitCode: 0, stderr: '' })
})

test('a path flag takes several paths and may be repeated; a switch may be turned off', async () => {
  const expected = { input: ['a', 'b', '-'], once: false }
  const list = only(commandThat(async (flags) => (expect(flags).toEqual(expected), 0)))
  const args = ['try', '--input', 'a', 'b', '--input', '-', '--no-once']
  expect(await outcome(args, list)).toMatchObject({ exitCode: 0, stderr: '' })
})

test.each([
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['--help'], 0, /Commands:\n {2}demo /, /^$/],
  [['help', 'run'], 0, /Usage: windrow run/, /^$/],
  [[], 2, /^$/, /^Usage: windrow /],
  [['rum'], 2, /^$/, /^windrow: USAGE: unknown command rum\n {2}remedy: Did you mean windrow run\?/],
  [['xyz'], 2, /^$/, /^windrow: USAGE: unknown command xyz\n {2}remedy: See windrow --help\.\n$/],
  [['--windw'], 2, /^$/, /^windrow: USAGE: unknown flag --windw\n/],
  [['run', '--max-in-fligt=3'], 2, /^$/, /Did you mean --max-in-flight\?/],
  [['run', '--window'], 2, /^$/, /^windrow: USAGE: --window <duration> needs a value\n/],
  [['run', 'points.ndjson'], 2, /^$/, /^windrow: USAGE: too many arguments/],
  [['run'], 2, /^$/, /^windrow: CONFIGURATION: --input: no input is given\n {2}remedy: /],
  [['run', '--config', 'no/such.yaml'], 2, /^$/, /^windrow: CONFIGURATION: --config: cannot read "no\/such.yaml"/],
])('windrow %j ends with %d', async (args, exitCode, stdout, stderr) => {
  const result = await outcome(args)
  expect(result.exitCode).toBe(exitCode)
  expect(result.stdout).toMatch(stdout)
  expect(result.stderr).toMatch(stderr)
})

const FAILED = new WindrowError('topic "vm" is gone', { code: 'DATA_LOSS', remedy: 'Start another job.' })
const REFUSED = new ConfigurationError([{ place: '--window', problem: '"1x" is not a duration', remedy: 'Give one.' }])

test.each([
  [FAILED, 1, 'windrow: DATA_LOSS: topic "vm" is gone\n  remedy: Start another job.\n'],
  [REFUSED, 2, 'windrow: CONFIGURATION: --window: "1x" is not a duration\n  remedy: Give one.\n'],
  [new TypeError('x is not a function'), 1, /^windrow: UNEXPECTED: x is not a function\n {2}remedy: .*\n$/],
])('%o is reported without a stack, and determines the exit code', async (error, exitCode, text) => {
  const list = only(commandThat(async () => Promise.reject(error)))
  const result = await outcome(['try'], list)
  expect(result).toMatchObject({ exitCode, stdout: '' })
  expect(result.stderr).toEqual(typeof text === 'string' ? text : expect.stringMatching(text))
  expect((await outcome(['try'], list, { WINDROW_DEBUG: '1' })).stderr).toMatch(/\n {4}at /)
})
