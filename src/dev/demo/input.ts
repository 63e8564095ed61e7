/** The fleet as the input of a run. */
import type { Input } from '../../app/run/input.ts'
import { createSoleInput } from '../../app/run/sole-input.ts'
import { durationText } from '../../core/durations.ts'
import type { Config } from '../../config/settings.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { WindrowError } from '../../errors/index.ts'
import type { DemoOptions, Fleet } from './fleet.ts'
import { createDemoSource } from './source.ts'

export function openDemoInput(fleet: Fleet, config: Config): Promise<Input> {
  const { partitions } = config
  const identity = { kind: 'demo', ...fleet.options }
  const input = createSoleInput({
    source: createDemoSource(fleet, partitions),
    partitions,
    isRepeatable: true,
    identity,
    check(before) {
      if (canonicalJson(before) !== canonicalJson(identity)) throw otherDemo(before)
    },
  })
  return Promise.resolve(input)
}

function otherDemo(before: Json): WindrowError {
  const began = before as unknown as DemoOptions & { kind: string }
  const isDemo = began.kind === 'demo'
  const flags = `--vms ${began.vms} --points ${began.points} --window ${durationText(began.windowMs)} --seed ${began.seed}`
  return new WindrowError(`the folder holds ${isDemo ? `a demo that began with ${flags}` : 'a job that is no demo'}`, {
    code: 'INPUT_CHANGED',
    remedy: isDemo ? 'Give the same flags to resume it, or another --data-dir.' : 'Give another --data-dir.',
  })
}
