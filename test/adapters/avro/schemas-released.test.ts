/** Pins what the schema check rejects: a released schema that changed, is unreadable, is missing or is not listed. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkSchemas } from '../../support/check-schemas.ts'
import { SCHEMA_FOLDER } from '../../../src/adapters/avro/schemas.ts'

describe('the schemas', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'windrow-schemas-')) + '/'
    cpSync(SCHEMA_FOLDER, folder, { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(folder + file, 'utf8')
    expect(text).toContain(from)
    writeFileSync(folder + file, text.replace(from, to))
  }

  test('in the repository are compatible, and the released ones unchanged', () => {
    expect(checkSchemas()).toEqual([])
  })

  test('may have changed docs', () => {
    edit('data-point.avsc', 'One reading of one metric of one VM.', 'A reading.')
    expect(checkSchemas(folder)).toEqual([])
  })

  test('that were released must not change', () => {
    edit('data-point.avsc', '"name": "value", "type": "double"', '"name": "value", "type": "float"')
    const problems = checkSchemas(folder)
    expect(problems[0]).toMatch(/data-point\.avsc has the fingerprint .* released was 32ee7a509eaafaab/)
  })

  test('must not gain a field without a default: older data would be unreadable', () => {
    edit('data-point.avsc', '"default": "",', '')
    expect(checkSchemas(folder)).toEqual([
      expect.stringMatching(/^data-point\.avsc cannot read what data-point\.v0\.avsc wrote: /),
    ])
  })

  test('must not be removed after a release', () => {
    rmSync(folder + 'data-point.v0.avsc')
    expect(checkSchemas(folder)).toEqual([expect.stringMatching(/^data-point\.v0\.avsc was released and is gone/)])
  })

  test('must be listed; an unlisted one is reported with its fingerprint', () => {
    edit('data-point.v0.avsc', '"name": "DataPoint"', '"name": "Other"')
    cpSync(folder + 'data-point.v0.avsc', folder + 'other.v0.avsc')
    expect(checkSchemas(folder)).toContainEqual(
      expect.stringMatching(/^other\.v0\.avsc is not listed\. Add "other\.v0\.avsc": "[0-9a-f]{16}"/),
    )
    expect(checkSchemas(folder)).toContainEqual(expect.stringMatching(/^other\.v0\.avsc has no current version/))
  })
})
