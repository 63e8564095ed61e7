/** Files as a run's input: read in their order if that is in order of time, else sorted by window first. */
import { join } from 'node:path'
import { checkFiles, describeInputs, STDIN, type FilesIdentity } from '../../adapters/files/inputs.ts'
import { openOrderedInput, type OrderedInput } from '../../adapters/files/ordered-input.ts'
import type { Numbering } from '../../adapters/files/record.ts'
import { createFileSource } from '../../adapters/files/source.ts'
import type { Config } from '../../config/settings.ts'
import { FinalClocks } from '../../core/final-clocks.ts'
import type { Json } from '../../core/json.ts'
import type { JobRecord } from '../../ledger/job-record.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { windowRulesOf, type InputOrder } from '../rules.ts'
import type { Input, InputHooks } from './input.ts'
import { createSoleInput } from './sole-input.ts'

export async function openFileInput(config: Config, hooks: InputHooks): Promise<Input> {
  const { partitions, format, order: setting } = config
  const inputs = await describeInputs(config.input)
  const decode = decodeOptionsOf(config)
  // The paths that are bound, not the patterns: those could match other files by now.
  const paths = inputs.map(({ path }) => path)
  const stop = new AbortController()
  let identity: FilesIdentity = { kind: 'files', inputs }
  let opened: OrderedInput | null = null
  const check = (before: Json): void => checkFiles(before as unknown as FilesIdentity, identity)
  const isRepeatable = !paths.includes(STDIN)
  const inFileOrder = createFileSource({ inputs: paths, partitions, format, decode })
  const sole = createSoleInput({ source: inFileOrder, partitions, isRepeatable, identity: null, check })

  return {
    ...sole,
    async prepare(before, signal) {
      if (before !== null) check(before.source)
      const rules = { ...windowRulesOf(config), graceMs: config.graceMs, amendWindows: config.amendWindows }
      const folder = join(config.dataDir, `${config.job}.sort`)
      const { onOrderProgress: onProgress } = hooks
      const clocks = new FinalClocks({ ...rules, quorum: config.quorum })
      const options = { inputs, order: setting, rules, format, decode, folder, onProgress, clocks }
      const bound = boundBy(before)
      // A setting that contradicts what the job is bound to is refused when the rules are compared.
      const isBound = bound !== null && (setting === 'auto' || bound.isOld)
      opened = await openOrderedInput(options, isBound ? bound.order === 'window' : null, signal)
      if (opened === null) return null
      const ordered = opened
      hooks.onVmsAhead(clocks.ahead())
      const { sortedDigest: digest } = ordered
      identity = { kind: 'files', inputs, ...(digest === null ? { order: 'streamed' } : { order: 'sorted', digest }) }
      const sorted = { inputs: paths, partitions, read: (from: Numbering) => ordered.read(from, stop.signal) }
      return {
        source: digest === null ? inFileOrder : createFileSource(sorted),
        identity: identity as unknown as Json,
        order: digest !== null ? 'window' : bound?.isOld === true ? orderBefore(setting, bound.order) : 'time',
      }
    },
    async close() {
      stop.abort()
      await opened?.close()
    },
  }
}

/** Versions that never sorted closed the windows at the end for `any`; that stays so for jobs that began with them. */
function orderBefore(setting: Config['order'], bound: InputOrder): InputOrder {
  if (setting === 'auto') return bound
  return setting === 'any' ? 'none' : 'time'
}

/** The order that an earlier run bound the job to. Old: a version that never sorted, and read files as they are. */
function boundBy(before: JobRecord | null): { readonly order: InputOrder; readonly isOld: boolean } | null {
  if (before === null) return null
  const { order } = before.source as unknown as FilesIdentity
  if (order === undefined) return { order: before.rules.closeAtEndOnly ? 'none' : 'time', isOld: true }
  return { order: order === 'sorted' ? 'window' : 'time', isOld: false }
}
