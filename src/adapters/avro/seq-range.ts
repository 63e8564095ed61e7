/** Ranges of seqs: pairs in JSON, records in Avro. */

export interface RangeRecord {
  readonly firstSeq: number
  readonly lastSeq: number
}

export function toRangeRecord([firstSeq, lastSeq]: readonly [number, number]): RangeRecord {
  return { firstSeq, lastSeq }
}

export function toRange({ firstSeq, lastSeq }: RangeRecord): readonly [number, number] {
  return [firstSeq, lastSeq]
}
