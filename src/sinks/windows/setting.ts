/** What `--results windows:…` names: where the job's windows are announced. */
import { notifySink } from '../notify/sink.ts'
import { notifyDestination, type NotifySetting } from '../notify/setting.ts'
import { normalize } from 'node:path'
import { pubsubSink } from '../pubsub/sink.ts'
import { pubsubDestination, type PubsubSetting } from '../pubsub/setting.ts'
import type { SinkSetting } from '../sink.ts'

/** A folder with one file per record, a topic of a Dapr component, or a method of a Dapr app. */
export type WindowsTarget = { readonly kind: 'folder'; readonly folder: string } | PubsubSetting | NotifySetting

export interface WindowsSetting extends SinkSetting {
  readonly kind: 'windows'
  readonly to: WindowsTarget
}

export const WINDOWS_FORM = 'windows:FOLDER|pubsub:…|notify:…'
const PREFIX = 'windows:'

export function parseWindows(text: string): WindowsSetting | { readonly problem: string } | null {
  if (!text.startsWith(PREFIX)) return null
  const place = text.slice(PREFIX.length)
  for (const sink of [pubsubSink, notifySink]) {
    const to = sink.parse(place)
    if (to !== null) return 'problem' in to ? to : { kind: 'windows', to }
  }
  // A mistyped pubsub: must not create a folder of that name.
  if (place === '' || /^[a-z]+:/.test(place)) return { problem: `${JSON.stringify(text)} names no folder` }
  return { kind: 'windows', to: { kind: 'folder', folder: place } }
}

/** The folder if the records are files. */
export function windowsFolderOf(setting: SinkSetting): string | null {
  const to = setting.kind === 'windows' ? (setting as WindowsSetting).to : null
  return to?.kind === 'folder' ? to.folder : null
}

/** How the sink names a place in messages. */
export function windowsDestination({ to }: WindowsSetting): string {
  if (to.kind === 'folder') return `job windows in the folder ${normalize(to.folder)}`
  return `job windows in the ${to.kind === 'pubsub' ? pubsubDestination(to) : notifyDestination(to)}`
}
