/** Where records of job windows go: files of a folder, events of a topic, or calls of an app. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { publishToTopic, requireComponent } from '../../adapters/dapr/components.ts'
import { invokeApp } from '../../adapters/dapr/invoke.ts'
import { nodeFileSystem, replaceFile, type FileSystem } from '../../adapters/files/file-system.ts'
import { resultsWriteError } from '../../adapters/files/result-writer.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { CLOUD_EVENT_TYPE, cloudEvent } from '../result-event.ts'
import type { SinkContext } from '../sink.ts'
import type { JobWindow } from './merge.ts'
import type { WindowsTarget } from './setting.ts'

type Send = (record: JobWindow) => Promise<void>

/** Type of the events of job windows. */
const WINDOW_EVENT = 'windrow.job-window'

export async function openTarget(to: WindowsTarget, context: SinkContext): Promise<Send> {
  if (to.kind === 'folder') return storeInFolder(nodeFileSystem, to.folder)
  if (to.kind === 'pubsub') {
    await requireComponent(context.dapr, 'pubsub', to.component)
    return (record) =>
      publishToTopic(context.dapr, {
        ...{ pubsubName: to.component, topic: to.topic, contentType: CLOUD_EVENT_TYPE },
        data: windowEvent(record),
        // The windows of a job stay in their order.
        metadata: { rawPayload: 'true', partitionKey: record.job },
      })
  }
  const { timeoutMs, ...sidecar } = context.invocation
  return (record) =>
    invokeApp(sidecar, {
      ...{ app: to.app, method: to.method, timeoutMs, idempotencyKey: idOf(record) },
      body: Buffer.from(lineOf(record)),
    })
}

/** One file per record, which a repeated record replaces by an equal one. */
export function storeInFolder(files: FileSystem, folder: string): Send {
  return async (record) => {
    const name = `${record.windowStart}-${String(record.revision).padStart(6, '0')}.json`
    try {
      await files.makeFolder(folder)
      await replaceFile(files, join(folder, name), `${lineOf(record)}\n`, join(folder, `.${name}.${randomUUID()}.tmp`))
    } catch (error) {
      throw resultsWriteError(error, folder)
    }
  }
}

/** Events of one record have one id. */
export function windowEvent(record: JobWindow): Buffer {
  const { job, windowStart } = record
  const attributes = { id: idOf(record), job, type: WINDOW_EVENT, subject: String(windowStart), partitionKey: job }
  return cloudEvent(attributes, lineOf(record))
}

function idOf({ job, windowStart, revision }: JobWindow): string {
  return `${job}/${windowStart}/${revision}`
}

function lineOf(record: JobWindow): string {
  return canonicalJson(record as unknown as Json)
}
