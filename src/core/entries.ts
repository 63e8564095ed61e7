/**
 * Records of several entries, such as a row with several metrics or a batch of points. A source may have to divide such a
 * record, because its entries belong to several partitions or are sorted into several windows. All parts keep the record's
 * place. One part counts as the record; the others are its rest, so that each record is counted once.
 */
import type { Decoded, DecodedEntry } from './point.ts'

/** The entries of a record; of most records the record itself. */
export function decodedEntries(decoded: Decoded): readonly DecodedEntry[] {
  return decoded.kind === 'entries' ? decoded.entries : [decoded]
}

/** The record of these entries. There is at least one. */
export function joinEntries(entries: readonly DecodedEntry[]): Decoded {
  return entries.length === 1 ? (entries[0] as DecodedEntry) : { kind: 'entries', entries }
}

/** Position of an entry in its record; `null` for the only entry of a record. */
export function positionOf(decoded: Decoded, index: number): number | null {
  return decoded.kind === 'entries' ? (decoded.positions?.[index] ?? index) : null
}

/** The VM of an entry; `null` if it could not be decoded. */
export function entryVmId(entry: DecodedEntry): string | null {
  if (entry.kind === 'undecodable') return null
  return entry.kind === 'manifest' ? entry.manifest.vmId : entry.point.vmId
}

/**
 * Divides a record by a key of its entries: one part per key, in the order of their first entries. A record with one key stays
 * as it is.
 */
export function divide<Key>(decoded: Decoded, keyOf: (entry: DecodedEntry) => Key): Map<Key, Decoded> {
  if (decoded.kind !== 'entries') return new Map([[keyOf(decoded), decoded]])
  const positions = new Map<Key, number[]>()
  for (const [index, entry] of decoded.entries.entries()) {
    const key = keyOf(entry)
    const known = positions.get(key)
    if (known === undefined) positions.set(key, [index])
    else known.push(index)
  }
  if (positions.size === 1) return new Map([[[...positions.keys()][0] as Key, decoded]])
  const parts = new Map<Key, Decoded>()
  for (const [key, indexes] of positions) {
    parts.set(key, {
      kind: 'entries',
      entries: indexes.map((index) => decoded.entries[index] as DecodedEntry),
      positions: indexes.map((index) => decoded.positions?.[index] ?? index),
      ...(parts.size === 0 && decoded.isRest !== true ? {} : { isRest: true as const }),
    })
  }
  return parts
}
