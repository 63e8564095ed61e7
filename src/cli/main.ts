#!/usr/bin/env node
/**
 * The entry point of the program: connects the process to the commands. Only this file reads `process.env`.
 *
 * command.ts           the interface of a command
 * commands.ts          the list of commands; each is in the file of its name: run.ts, close.ts, dead-letters.ts, demo.ts,
 *                      gateway.ts, inspect.ts, produce.ts, replay.ts, size.ts, stack.ts, status.ts, ui.ts, verify.ts
 * presets.ts           the presets of the folder presets/
 * useless-run.ts       the error of a run that used no record
 * program.ts           parses a command line, runs its command and reports errors
 * flags.ts             settings as flags
 * load-config.ts       resolves the configuration from flags, variables and the file
 * gateway-options.ts   the options of `windrow gateway`
 * read-tokens.ts       reads the file with the tokens of clients
 * page-options.ts      the options of the page; with-page.ts and page-process.ts serve it while a job runs
 * store-flags.ts       flags of commands that read a job's state
 * heap-growth.ts       keeps the memory small of a command that works with little
 * ask-flags.ts         flags of commands that send a request to the owner of a partition
 * unanswered.ts        the error of such a command if owners did not reply
 * process-signals.ts   shutdown on signals and on a closed standard output
 * report-error.ts      the text and exit code of an error
 * usage.ts             the text of a mistake in the command line
 */
import { commands } from './commands.ts'
import { keepHeapSmall } from './heap-growth.ts'
import { endBySignal, onClosedPipe, onStopSignals, STOP_SIGNALS } from './process-signals.ts'
import { execute } from './program.ts'

keepHeapSmall()
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
