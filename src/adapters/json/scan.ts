/** Decodes JSON texts of the usual form from their bytes, without JSON.parse. See scanned-row.ts. */
import type { Decoded } from '../../core/point.ts'
import { compileRow, type RowMapper } from '../mapping/row-mapper.ts'
import type { RecordContext, RecordMappingSpec } from '../mapping/spec.ts'
import { isPlainMapping, type DecodeOptions } from './mapping.ts'
import { ScannedRow, UnscannablePath } from './scanned-row.ts'

/** Decodes the text `bytes[start, end)`; `null` if it is not of the usual form, so that JSON.parse has to read it. */
export type Scan = (bytes: Buffer, start: number, end: number, context: RecordContext) => Decoded | null

/** Scanning is given up once it has failed this much more often than it has succeeded. */
const MAX_FAILED_SCANS = 64

/** Scanning is wasted time where most records are not of the usual form. It never changes what a record is decoded to. */
export function createScan({ mapping, checkYears = false }: DecodeOptions): Scan {
  if (mapping === undefined || isPlainMapping(mapping)) return () => null
  const scan = mappedScan(mapping, checkYears)
  if (scan === null) return () => null
  let failures = 0
  let successes = 0
  return (bytes, start, end, context) => {
    if (failures > successes + MAX_FAILED_SCANS) return null
    const decoded = scan(bytes, start, end, context)
    if (decoded === null) failures++
    else successes++
    return decoded
  }
}

/** `null` if the mapping reads more than single members, such as arrays and labels. */
function mappedScan(spec: RecordMappingSpec, checkYears: boolean): Scan | null {
  if (spec.records !== undefined) return null
  const row = new ScannedRow()
  row.refuse('manifest')
  let map: RowMapper
  try {
    map = compileRow(spec, row, { checkYears, place: () => '' })
  } catch (error) {
    if (error instanceof UnscannablePath) return null
    throw error
  }
  return (bytes, start, end, context) => {
    row.context = context
    return row.scan(bytes, start, end) ? map.decode() : null
  }
}
