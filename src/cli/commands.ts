/**
 * Every command, in the order of `windrow --help`. A command's file is loaded only if the command line names the command,
 * and the application behind it only when the command runs: help and usage errors do without both.
 */
import type { ListedCommand } from './command.ts'

export const commands: readonly ListedCommand[] = [
  {
    name: 'demo',
    summary: 'Run a simulated day of a fleet and check its results',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'run',
    summary: 'Close the windows of files or of a Kafka topic',
    load: async () =>
      (await import('./run.ts')).createRunCommand(async () => (await import('../app/run/run.ts')).runJob),
  },
  {
    name: 'inspect',
    summary: 'Guess the settings for a file or topic',
    load: async () =>
      (await import('./inspect.ts')).createInspectCommand(
        async () => (await import('../app/inspect/inspect.ts')).inspectInput,
      ),
  },
  {
    name: 'produce',
    summary: 'Write the points of files to a Kafka topic',
    load: async () =>
      (await import('./produce.ts')).createProduceCommand(
        async () => (await import('../app/produce/produce.ts')).produceFiles,
      ),
  },
  {
    name: 'gateway',
    summary: 'Receive points over HTTP and write them to a Kafka topic',
    load: async () =>
      (await import('./gateway.ts')).createGatewayCommand(
        async () => (await import('../app/gateway/gateway.ts')).runGateway,
      ),
  },
  {
    name: 'status',
    summary: 'Show the progress of a job, partition by partition',
    load: async () =>
      (await import('./status.ts')).createStatusCommand(
        async () => (await import('../app/status/status.ts')).readStatus,
      ),
  },
  {
    name: 'ui',
    summary: 'Serve a page: which windows are complete, and what is missing',
    load: async () =>
      (await import('./ui.ts')).createUiCommand(async () => (await import('../page/serve.ts')).servePage),
  },
  {
    name: 'verify',
    summary: 'Recompute published results from the records and compare',
    load: async () =>
      (await import('./verify.ts')).createVerifyCommand(
        async () => (await import('../app/verify/verify.ts')).runVerify,
      ),
  },
  {
    name: 'dead-letters',
    summary: 'List the records that a job rejected, show one, or send one again',
    load: async () =>
      (await import('./dead-letters.ts')).createDeadLettersCommand(
        async () => (await import('../app/dead-letters/dead-letters.ts')).openDeadLetters,
      ),
  },
  {
    name: 'replay',
    summary: 'Recompute the closed windows of a job and compare the results',
    load: async () =>
      (await import('./replay.ts')).createReplayCommand(
        async () => (await import('../app/replay/replay.ts')).replayJob,
      ),
  },
  {
    name: 'close',
    summary: 'Close open windows now, even if incomplete',
    load: async () =>
      (await import('./close.ts')).createCloseCommand(async () => (await import('../app/close/close.ts')).closeWindows),
  },
  {
    name: 'size',
    summary: 'Compute partitions, processors, CPU and memory for a load',
    load: async () => (await import('./size.ts')).sizeCommand,
  },
  {
    name: 'stack',
    summary: 'Run Kafka, Redis, PostgreSQL and Dapr here, without containers',
    load: async () => (await import('./stack.ts')).stackCommand,
  },
]
