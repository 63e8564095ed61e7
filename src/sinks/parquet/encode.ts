/** Encodes rows as a Parquet file (https://parquet.apache.org/docs/file-format), and reads a column and metadata of one. */
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { ParquetColumn, ParquetColumnType } from './columns.ts'

/** One value per column. Times are milliseconds. */
export type ParquetRow = readonly (string | number | null)[]

const ELEMENTS: Readonly<Record<ParquetColumnType, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  int: { type: 'INT32' },
  long: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  time: {
    ...{ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
}

/** Equal rows and metadata give equal bytes. */
export function encodeParquet(
  columns: readonly ParquetColumn[],
  rows: readonly ParquetRow[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type, isNullable }): SchemaElement => ({
      ...{ name, ...ELEMENTS[type], repetition_type: isNullable ? 'OPTIONAL' : 'REQUIRED' },
    })),
  ]
  const columnData = columns.map(({ name, type, isNullable }, index) => ({
    ...{ name, nullable: isNullable },
    data: rows.map((row) => valueOf(row[index], type)),
  }))
  const kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }))
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, kvMetadata, createdBy: 'windrow' }))
}

function valueOf(value: ParquetRow[number] | undefined, type: ParquetColumnType): string | number | bigint | null {
  if (typeof value !== 'number') return value ?? null
  return type === 'long' || type === 'time' ? BigInt(value) : value
}

export async function readMetadata(file: AsyncBuffer, key: string): Promise<string | null> {
  const { key_value_metadata: pairs = [] } = await parquetMetadataAsync(file)
  return pairs.find((pair) => pair.key === key)?.value ?? null
}

/** Only these columns of all rows. */
export async function readColumns<Row>(file: AsyncBuffer, columns: string[]): Promise<Row[]> {
  return (await parquetReadObjects({ file, columns })) as Row[]
}
