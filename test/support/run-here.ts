/** Runs commands of the command line in the test's own process, for a fraction of what a start of the built program costs. */
import { commands } from '../../src/cli/commands.ts'
import { execute } from '../../src/cli/program.ts'
import { fakeCli } from '../cli/cli-context.ts'

export interface RunHere {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in `folder`, to which its relative paths refer. */
export async function runHere(args: readonly string[], folder: string): Promise<RunHere> {
  const cli = fakeCli()
  const before = process.cwd()
  process.chdir(folder)
  try {
    const code = await execute(commands, args, cli.context)
    return { code, stdout: cli.stdout(), stderr: cli.stderr() }
  } finally {
    process.chdir(before)
  }
}

/** The arguments in a line of shell that has no quotes but single ones around whole arguments. */
export function argumentsOf(line: string): string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))
}
