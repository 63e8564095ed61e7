/** Parses lines of published results, certificates and job windows. */
import { messageOf, WindrowError } from '../errors/index.ts'

/** Parses a published line; throws PUBLISHED_UNREADABLE if it is not JSON, for example because the file was edited. */
export function readPublished<T>(of: 'result' | 'certificate' | 'job window', line: string): T {
  try {
    return JSON.parse(line) as T
  } catch (error) {
    throw new WindrowError(`a published ${of} cannot be read (${messageOf(error)}): ${line.slice(0, 200)}`, {
      code: 'PUBLISHED_UNREADABLE',
      cause: error,
    })
  }
}
