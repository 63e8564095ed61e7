/**
 * Names of attempts, and of what belongs to them. An attempt is one try to make one commit; its id is never used again,
 * so whatever the state store or the workflow engine remembers of an older try cannot be taken for this one.
 *
 *   attempt  = <job>-<partition>-<commit>-<epoch>-<token>      also the id of its `partition-window` workflow
 *   instance = <attempt>-<index>[-<try>]                       a `vm-window` workflow
 *   chunk    = <attempt>-<kind>-<page>                         a state key
 *
 * Only `[A-Za-z0-9_-]` occur and an instance's id stays within 64 characters, as Dapr's management API asks.
 */
export interface AttemptOrigin {
  readonly job: string
  readonly partition: number
  readonly commit: number
  readonly epoch: number
  readonly token: string
}

export function attemptId(o: AttemptOrigin): string {
  return `${o.job}-${o.partition}-${o.commit}-${o.epoch}-${o.token}`
}

export function instanceId(attempt: string, index: number, tries: number): string {
  return tries === 0 ? `${attempt}-${index}` : `${attempt}-${index}-${tries}`
}

/** Reads what {@link instanceId} wrote. */
export function instancePartsOf(id: string): { readonly index: number; readonly tries: number } {
  const [, , , , , index, tries] = id.split('-')
  return { index: Number(index), tries: Number(tries ?? 0) }
}

export function ledgerKey(job: string, partition: number): string {
  return `${job}-${partition}-ledger`
}

export function jobKey(job: string): string {
  return `${job}-job`
}
