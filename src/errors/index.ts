/**
 * Errors of Windrow.
 *
 * - catalog.ts: every error code with its meaning, disposition and default remedy
 * - windrow-error.ts: the error class; a throw site names a code of the catalog
 * - configuration-error.ts: invalid settings, all problems at once
 * - assert-never.ts: exhaustiveness check for a `switch`
 * - reference.ts: docs/reference/errors.md, rendered from the catalog (used by scripts/docs-errors.mjs only)
 */
export { assertNever } from './assert-never.ts'
export { isErrorCode } from './catalog.ts'
export type { Disposition, ErrorCode } from './catalog.ts'
export { ConfigurationError } from './configuration-error.ts'
export type { ConfigurationProblem } from './configuration-error.ts'
export { messageOf, WindrowError } from './windrow-error.ts'
export type { WindrowErrorOptions } from './windrow-error.ts'
