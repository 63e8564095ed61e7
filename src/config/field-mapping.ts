/** Which fields of a record hold what, for topics whose producers use other names. */
import { z } from 'zod'
import { closest } from './closest.ts'
import { show, type Kind } from './kinds.ts'

const fieldName = (name: string) =>
  z
    .string({ error: (issue) => `${show(issue.input)} is not a field name` })
    .min(1, 'a field name is empty')
    .default(name)

/** Only `producer` and `seq` can be absent from a topic, which `null` says. */
const SHAPE = {
  vmId: fieldName('vmId'),
  producer: fieldName('producer').nullable(),
  metric: fieldName('metric'),
  timestamp: fieldName('timestamp'),
  seq: fieldName('seq').nullable(),
  value: fieldName('value'),
}

const schema = z.strictObject(SHAPE, {
  error: (issue) =>
    issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys) : `${show(issue.input)} is not an object`,
})

/** The name of the field in a record that holds each part of a point. `null`: the records have none. */
export type FieldMapping = Readonly<z.output<typeof schema>>

export function fieldMapping(): Kind<FieldMapping> {
  return { schema, expects: `an object with any of ${Object.keys(SHAPE).join(', ')}`, placeholder: '<object>' }
}

function unknownKeys(keys: readonly string[]): string {
  return keys
    .map((key) => {
      const meant = closest(key, Object.keys(SHAPE))
      return `there is no field ${show(key)}${meant === null ? '' : ` (did you mean ${meant}?)`}`
    })
    .join('; ')
}
