/** Data folders of stacks that tests bring up. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findStack, openStack } from '../../src/dev/stack/index.ts'

export async function newStackDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windrow-stack-'))
  // PostgreSQL runs as another user when the tests run as root.
  await chmod(folder, 0o755)
  return folder
}

/** Takes down what is up in the folder, if only in part, and removes it. */
export async function removeStack(folder: string): Promise<void> {
  if ((await findStack(folder)) !== null) await (await openStack(folder)).down({ purge: true })
  await rm(folder, { recursive: true, force: true })
}
