/** The setting `fields`: maps the fields of a point to the names that the producers of a topic use. */
import { z } from 'zod'
import { closest } from './closest.ts'
import { show, type Kind } from './kinds.ts'

const fieldName = (name: string) =>
  z
    .string({ error: (issue) => `${show(issue.input)} is not a field name` })
    .min(1, 'a field name is empty')
    .default(name)

/** Only `producer` and `seq` can be `null`: the records have no such field. */
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

/** For each field of a point, the name of the record's field. `null`: the records have no such field. */
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
