/** Renders docs/reference/errors.md from the catalog (`npm run docs:errors`). */
import { ERROR_CATALOG } from './catalog.ts'
import type { ErrorDefinition } from './catalog.ts'

const HEAD = `# Errors

Every error that Windrow reports has a stable code, a message that names the offending value, and a
remedy. The remedy here is the default; the program often prints a more specific one.

| disposition | what Windrow does | what you do |
|---|---|---|
| \`fatal\` | stops: the command ends, or the partition halts until the cause is fixed | apply the remedy, then restart |
| \`retryable\` | retries with backoff until it succeeds or is stopped | act only if it persists |
| \`lost\` | gives up the partition; its new owner resumes from the ledger | usually nothing |

This page is generated from \`src/errors/catalog.ts\` by \`npm run docs:errors\`.
`

export function errorReference(catalog: Readonly<Record<string, ErrorDefinition>> = ERROR_CATALOG): string {
  const sections = Object.entries(catalog).map(([code, definition]) => section(code, definition))
  return HEAD + sections.join('')
}

function section(code: string, { meaning, disposition, remedy }: ErrorDefinition): string {
  return `\n## ${code}\n\n${wrapped(`${meaning} (${disposition})`)}\n\n${wrapped(`Remedy: ${remedy}`)}\n`
}

/** Text in lines of at most 100 characters. */
function wrapped(text: string): string {
  return text.replace(/(.{1,100})(?: |$)/g, '$1\n').trimEnd()
}
