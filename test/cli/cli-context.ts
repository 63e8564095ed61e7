import type { CliCommand, CliContext, ListedCommand } from '../../src/cli/command.ts'

export interface FakeCli {
  readonly context: CliContext
  /** Everything written so far. */
  stdout(): string
  stderr(): string
  /** Aborts the command like SIGINT. */
  stop(): void
}

/** A process context for commands: not a terminal, with recorded output. */
export function fakeCli(env: CliContext['env'] = {}): FakeCli {
  const out: string[] = []
  const err: string[] = []
  const controller = new AbortController()
  return {
    context: {
      env,
      stdout: { write: (text) => out.push(text), columns: 80 },
      stderr: { write: (text) => err.push(text), columns: 80 },
      signal: controller.signal,
    },
    stdout: () => out.join(''),
    stderr: () => err.join(''),
    stop: () => controller.abort(),
  }
}

/** A list of this command alone. */
export function only(command: CliCommand): readonly ListedCommand[] {
  return [{ name: command.name, summary: '', load: async () => command }]
}
