/** `windrow verify` of a job on the stack, and copies of topics in which one record is another. */
import kafkajs from 'kafkajs'
import { expect } from 'vitest'
import type { Stack } from '../../src/dev/stack/index.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { start } from '../support/windrow-process.ts'
import { brokersOf, committedValues, createTopic, fresh } from './run-support.ts'

export type Verified = VerifyReport & { readonly code: number | null; readonly stderr: string }

/** Throws what the command says where it comes to no report. */
export async function verify(
  stack: Stack,
  { topic, job, window = '1m' }: { readonly topic: string; readonly job: string; readonly window?: string },
  ...args: readonly string[]
): Promise<Verified> {
  const flags = ['--brokers', brokersOf(stack), '--topic', topic, '--job', job, '--window', window, '--json']
  const { code, stdout, stderr } = await start(['verify', ...flags, ...args]).ended
  if (stdout === '') throw new Error(stderr)
  return { ...(JSON.parse(stdout) as VerifyReport), code, stderr }
}

/** A topic with the values of another, the first of which that `change` has something to say of is changed. */
export async function copyOf(stack: Stack, of: string, change: (value: Buffer) => Buffer | null): Promise<string> {
  const copy = fresh('copy')
  await createTopic(stack, copy, 1)
  let hasChanged = false
  const messages = (await committedValues(stack, of)).map((value) => {
    const other = hasChanged ? null : change(value)
    hasChanged ||= other !== null
    return { value: other ?? value }
  })
  expect(hasChanged).toBe(true)
  const producer = new kafkajs.Kafka({ brokers: [brokersOf(stack)], logLevel: kafkajs.logLevel.NOTHING }).producer()
  await producer.connect()
  await producer.send({ topic: copy, messages })
  await producer.disconnect()
  return copy
}

/** The line with what fits replaced; `null`: nothing fits. */
export function replaced(line: string, from: RegExp, to: string): string | null {
  return from.test(line) ? line.replace(from, to) : null
}
