/**
 * The error class of Windrow. `code` says which case it is (stable, for machines), `disposition` what the caller may do
 * next, `remedy` what a person can do about it. The message names the offending value.
 */
import { ERROR_CATALOG, isErrorCode } from './catalog.ts'
import type { Disposition, ErrorCode } from './catalog.ts'

export interface WindrowErrorOptions {
  readonly code: ErrorCode
  /** @default the remedy in the catalog */
  readonly remedy?: string
  readonly cause?: unknown
}

/** An error as plain values, as it crosses a thread or is stored in a workflow's history. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly disposition: Disposition
}

export class WindrowError extends Error {
  readonly code: ErrorCode
  readonly remedy: string
  readonly disposition: Disposition

  constructor(message: string, { code, remedy, cause }: WindrowErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'WindrowError'
    this.code = code
    this.remedy = remedy ?? ERROR_CATALOG[code].remedy
    this.disposition = ERROR_CATALOG[code].disposition
  }

  /**
   * The error that another thread or processor reported, with the disposition it reported. A code of a version with
   * another catalog becomes `UNEXPECTED`, with the code in the message.
   */
  static fromReport({ code, message, remedy, disposition }: ErrorReport): WindrowError {
    const error = isErrorCode(code)
      ? new WindrowError(message, { code, remedy })
      : new WindrowError(`${code}: ${message}`, { code: 'UNEXPECTED', remedy })
    return Object.assign(error, { disposition })
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
