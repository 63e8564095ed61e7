#!/usr/bin/env node
/**
 * The entry of the program: wires the process to the commands. The one place that reads `process.env`.
 *
 * commands.ts lists the commands, command.ts says what one is, program.ts parses and runs them, flags.ts and
 * load-config.ts make the configuration, report-error.ts and usage.ts word what goes wrong.
 */
import { commands } from './commands.ts'
import { endBySignal, onClosedPipe, onStopSignals, STOP_SIGNALS } from './process-signals.ts'
import { execute } from './program.ts'

const stop = new AbortController()
onStopSignals(
  process,
  () => {
    process.stderr.write('windrow: shutting down (press Ctrl-C again to force)\n')
    stop.abort()
  },
  endBySignal,
  process.env['npm_lifecycle_event'] !== undefined,
)
onClosedPipe(process.stdout, () => stop.abort())
onClosedPipe(process.stderr, () => undefined)

process.exitCode = await execute(commands, process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
})

// The command has ended. If something still keeps the process alive, a signal ends it.
for (const name of STOP_SIGNALS) process.removeAllListeners(name)
