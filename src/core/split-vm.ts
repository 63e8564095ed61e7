/** A VM whose records arrive in two partitions, and the text that names the cause. Events, `status` and the gateway share it. */
/** A VM whose records arrive in several partitions. */
export interface SplitVm {
  readonly vmId: string
  /** Ascending. */
  readonly partitions: readonly number[]
  /** The partition that Kafka's default partitioner (murmur2) gives for the VM's id. */
  readonly expected: number
}

/** What an operator reads: which VM, where, and why. */
export function splitVmText({ vmId, partitions, expected }: SplitVm): string {
  const others = partitions.filter((one) => one !== expected)
  const cause = partitions.includes(expected)
    ? `Kafka's default partitioner (murmur2) gives partition ${expected}; the producer of partition ${others.join(', ')} uses another partitioner or another key`
    : `Kafka's default partitioner (murmur2) gives partition ${expected}: its producers use different partitioners, or different keys`
  return `the records of VM ${vmId} arrive in partitions ${partitions.join(' and ')}: ${cause}`
}

export const SPLIT_REMEDY =
  'Use one partitioner in all producers (librdkafka: partitioner=murmur2_random) and the VM as the key. Until then, each of these partitions has results of its own for the VM.'
