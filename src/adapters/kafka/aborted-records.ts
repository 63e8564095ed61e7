/**
 * Hides the records of aborted transactions from readers. With every fetch a broker lists the transactions that were aborted
 * in it: the producer and the first offset. The transaction ends at the producer's next abort marker in the log (Kafka
 * protocol, Fetch: aborted_transactions). The list is in the order in which the transactions ended.
 */

/** A record as kafkajs decodes it. */
export interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

/** The response of one fetch for a partition. */
export interface FetchedPartition {
  readonly messages: readonly FetchedRecord[]
  abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[]
}

const ABORT = 0

/**
 * Marks aborted records as control records. kafkajs does not pass control records to readers but still moves past their
 * offsets.
 */
export function hideAborted(partition: FetchedPartition): void {
  if (partition.abortedTransactions.length === 0) return
  const upcoming = partition.abortedTransactions.toSorted((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const aborting = new Set<string>()
  for (const message of partition.messages) {
    while (upcoming[0] !== undefined && Number(message.offset) >= Number(upcoming[0].firstOffset)) {
      aborting.add((upcoming.shift() as { producerId: string }).producerId)
    }
    const { producerId, inTransaction } = message.batchContext
    // A control record's key: version int16, type int16.
    if (message.isControlRecord && message.key?.readInt16BE(2) === ABORT) aborting.delete(producerId)
    else if (inTransaction && aborting.has(producerId)) message.isControlRecord = true
  }
  partition.abortedTransactions = []
}
