/**
 * Ids of attempts and of everything that belongs to them. An attempt is one try to make one commit. Its id is never reused,
 * so data that the state store or the workflow engine still has of an older attempt is never mistaken for data of this one.
 *
 *   attempt  = <job>-<partition>-<commit>-<epoch>-<token>      also the id of its `partition-window` workflow
 *   instance = <attempt>-<index>[-<try>]                       a `vm-window` workflow
 *   chunk    = <attempt>-<kind>-<page>                         a state key
 *
 * Ids contain only `[A-Za-z0-9_-]`, and an instance id has at most 64 characters, as Dapr's management API requires.
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

/** Parses an id that {@link instanceId} made. */
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
