/**
 * A result as a CloudEvent (https://github.com/cloudevents/spec, version 1.0), in the JSON format. Its id names the job, the
 * window, the revision and the VM, so an event that is published again has the same id, and consumers can drop it.
 */

export const CLOUD_EVENT_TYPE = 'application/cloudevents+json'

/** Type of the events of VM windows. */
const RESULT_EVENT = 'windrow.vm-window'

export interface ResultEvent {
  readonly id: string
  /** Events of one key are published in their order. The VM. */
  readonly key: string
  /** A relative path of this event alone, for bindings that store files or objects. */
  readonly path: string
  /** The event in UTF-8. Its `data` is the published line, byte for byte. */
  readonly body: Buffer
}

/** `line`: the result as all sinks publish it. */
export function resultEvent(job: string, line: string): ResultEvent {
  const { vmId, windowStart, revision } = JSON.parse(line) as {
    readonly vmId: string
    readonly windowStart: number
    readonly revision: number
  }
  const place = `${job}/${windowStart}`
  const id = `${place}/${revision}/${vmId}`
  return {
    id,
    key: vmId,
    path: `${place}/${encodeURIComponent(vmId)}.${revision}.json`,
    body: cloudEvent({ id, job, type: RESULT_EVENT, subject: vmId, partitionKey: vmId }, line),
  }
}

interface EventAttributes {
  readonly id: string
  readonly job: string
  readonly type: string
  readonly subject: string
  readonly partitionKey: string
}

/** The event in UTF-8. `line`: its data, a JSON text. */
export function cloudEvent({ id, job, type, subject, partitionKey }: EventAttributes, line: string): Buffer {
  const attributes = {
    ...{ specversion: '1.0', id, source: `windrow/${job}`, type },
    ...{ subject, partitionkey: partitionKey, datacontenttype: 'application/json' },
  }
  // The line is not parsed and written again: JSON has several texts for one value, and digests are over the line.
  return Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":${line}}`, 'utf8')
}
