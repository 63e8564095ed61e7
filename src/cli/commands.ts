/** Every command that there is, in the order of `windrow --help`. */
import type { CliCommand } from './command.ts'
import { createDeadLettersCommand } from './dead-letters.ts'
import { createCloseCommand } from './close.ts'
import { demoCommand } from './demo.ts'
import { createGatewayCommand } from './gateway.ts'
import { createProduceCommand } from './produce.ts'
import { createReplayCommand } from './replay.ts'
import { createRunCommand } from './run.ts'
import { sizeCommand } from './size.ts'
import { stackCommand } from './stack.ts'
import { createStatusCommand } from './status.ts'
import { createVerifyCommand } from './verify.ts'

export const commands: readonly CliCommand[] = [
  demoCommand,
  createRunCommand(async () => (await import('../app/run/run.ts')).runJob),
  createProduceCommand(async () => (await import('../app/produce/produce.ts')).produceFiles),
  createGatewayCommand(async () => (await import('../app/gateway/gateway.ts')).runGateway),
  createStatusCommand(async () => (await import('../app/status/status.ts')).readStatus),
  createVerifyCommand(async () => (await import('../app/verify/verify.ts')).runVerify),
  createDeadLettersCommand(async () => (await import('../app/dead-letters/dead-letters.ts')).openDeadLetters),
  createReplayCommand(async () => (await import('../app/replay/replay.ts')).replayJob),
  createCloseCommand(async () => (await import('../app/close/close.ts')).closeWindows),
  sizeCommand,
  stackCommand,
]
