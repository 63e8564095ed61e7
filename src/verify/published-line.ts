import { messageOf, WindrowError } from '../errors/index.ts'

/** A published line, read; throws PUBLISHED_UNREADABLE where it is no JSON, as after somebody made the file longer or shorter. */
export function readPublished<T>(of: 'result' | 'certificate', line: string): T {
  try {
    return JSON.parse(line) as T
  } catch (error) {
    throw new WindrowError(`a published ${of} cannot be read (${messageOf(error)}): ${line.slice(0, 200)}`, {
      code: 'PUBLISHED_UNREADABLE',
      cause: error,
    })
  }
}
