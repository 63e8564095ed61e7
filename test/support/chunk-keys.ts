/** The keys of the pages of a chunk set, which the store must have, or which a test deletes. */
import { chunkKey, type ChunkSet } from '../../src/ledger/chunks.ts'

export function chunkKeys({ attempt, kind, first, digests }: ChunkSet): string[] {
  return digests.map((_, page) => chunkKey(attempt, kind, first + page))
}
