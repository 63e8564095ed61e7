/** The interface of a command. Each command has a file of its own and is listed in commands.ts. */
import type { Command } from 'commander'
import type { Screen } from '../ui/live-block.ts'

/** 0 done, 1 failed, 2 bad usage or configuration. */
export type ExitCode = 0 | 1 | 2

/** Everything that a command can access of the process. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Screen
  readonly stderr: Screen
  /** Aborts on SIGINT or SIGTERM, and when the reader of standard output closes it. */
  readonly signal: AbortSignal
}

export interface CliCommand {
  readonly name: string
  /** A command line to copy, and what it does; shown by `--help`. */
  readonly example: { readonly line: string; readonly does: string }
  /** Adds the flags, and arguments if there are any. */
  configure(command: Command): void
  /** `flags` by attribute name, as commander parses them. Throws a WindrowError, which the caller reports. */
  run(flags: Readonly<Record<string, unknown>>, context: CliContext, args: readonly string[]): Promise<ExitCode>
}

/** A command as the list of commands has it, before its file is loaded. */
export interface ListedCommand extends Pick<CliCommand, 'name'> {
  /** One line for the list of commands. */
  readonly summary: string
  load(): Promise<CliCommand>
}
