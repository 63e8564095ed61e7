/** Runs programs on Strimzi's own model of its resources: the Java files in this folder. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { strimziModel } from '../builds.ts'

/** What a program prints about manifests. */
export async function runOnModel(program: string, manifests: string, args: readonly string[] = []): Promise<string> {
  const all = ['-cp', join(await strimziModel(), '*'), join(import.meta.dirname, program), ...args]
  return execFileSync('java', all, { input: manifests, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}
