/** Parses a command line, runs its command and returns the exit code. Only this file prints errors. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { CliCommand, CliContext, ExitCode, ListedCommand } from './command.ts'
import { errorText, exitCodeOf } from './report-error.ts'
import { usageErrorOf } from './usage.ts'

/** `args` does not include the program's name. Never rejects. */
export async function execute(
  commands: readonly ListedCommand[],
  args: readonly string[],
  context: CliContext,
): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  try {
    const named = await commands.find(({ name }) => name === commandNameIn(args))?.load()
    const program = createProgram(commands, named, context, (code) => (exitCode = code))
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Requested help exits with 0. Help because no command was given is bad usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    context.stderr.write(errorText(error, context.env['WINDROW_DEBUG'] === '1'))
    return exitCodeOf(error)
  }
}

/** The command line has at most one command: the first word that is not a flag, or the next one after `help`. */
function commandNameIn(args: readonly string[]): string | undefined {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'))
  return first === 'help' ? second : first
}

/** `named` is the command that the command line names. The others are only listed. Exported for the tests of help texts. */
export function createProgram(
  commands: readonly ListedCommand[],
  named: CliCommand | undefined,
  context: CliContext,
  onExitCode: (code: ExitCode) => void,
): Command {
  const program = new Command('windrow')
    .description('Exact per-VM window results from a stream of telemetry.')
    .version(packageVersion(), '-V, --version', 'Show the version')
    .helpOption('-h, --help', 'Show this help')
    .helpCommand('help [command]', 'Show the help of a command')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => context.stdout.columns ?? 80,
      getErrHelpWidth: () => context.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  reportUsageErrors(program)
  for (const { name, summary } of commands) {
    const command = program.command(name).description(summary)
    reportUsageErrors(command)
    if (named?.name !== name) continue
    const { example } = named
    named.configure(command)
    command.addHelpText(
      'after',
      `\nExample: ${example.does}\n  ${example.line}\nAll settings: docs/reference/settings.md`,
    )
    command.action(async () => onExitCode(await named.run(command.opts(), context, command.args)))
  }
  return program
}

function reportUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    const isHelpOrVersion = error.exitCode === 0 || error.code === 'commander.help'
    throw isHelpOrVersion ? error : usageErrorOf(error, command)
  })
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
