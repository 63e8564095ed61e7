/** Around all files of the suite: a folder for the stack that they share, which goes down after the last of them. */
import type { TestProject } from 'vitest/node'
import { newStackDir, removeStack } from './stack-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Data folder of the shared stack, which the first file to ask for it brings up. */
    readonly sharedStackDir: string
  }
}

let folder: string

export async function setup(project: TestProject): Promise<void> {
  folder = await newStackDir()
  project.provide('sharedStackDir', folder)
}

export const teardown = (): Promise<void> => removeStack(folder)
