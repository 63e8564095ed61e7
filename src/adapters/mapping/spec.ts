/**
 * How the records of other programs are mapped to points: the setting `fields` in its general form. A field that is a plain
 * name is read by the fast decoders of json/, files/csv.ts and avro/; everything else goes through this folder.
 *
 * spec.ts          this file: what a mapping can say
 * path.ts          paths into nested objects
 * time.ts          units, patterns and time zones of timestamps; which years are plausible
 * value.ts         values: numbers, text, booleans, and what means "no reading"
 * text.ts          ids and names: put together from paths, labels, constants, the file's name, the record's key and headers
 * row-mapper.ts    compiles a mapping for rows of any format: one row in, its entries out
 * json-mapper.ts   rows in JSON: nested arrays of points
 * record-levels.ts paths to the rows in a record, and the rows that they lead to
 * line-protocol.ts parses a line of the line protocol into a row like one of JSON
 * undecodable.ts   decoding problems as values
 * iso-time.ts      reads ISO 8601 times from bytes
 */

export type TimeUnit = 's' | 'ms' | 'us' | 'ns' | 'iso'

/** Where a text or a number is read from. Exactly one of `path`, `labels`, `file`, `key`, `header`, `const`, `any`, `join`. */
export interface FieldSource {
  /** A path such as `tags.host` or `labels["instance"]`; in CSV the name of a column. */
  readonly path?: string
  /** All members of the object at this path, as `{name=value,…}` in the order of their names; '' if it has none. */
  readonly labels?: string
  /** Of `labels`: members that are left out. */
  readonly except?: readonly string[]
  /** A regular expression over the path of the file; the value is its first group. */
  readonly file?: string
  /** The key of a Kafka record. */
  readonly key?: true
  /** The name of a header of a Kafka record. */
  readonly header?: string
  readonly const?: string
  /** The first of these that is there. */
  readonly any?: readonly FieldSpec[]
  /** Several parts that form one text. */
  readonly join?: readonly FieldSpec[]
  /** Between the parts of `join`. @default '/' for vmId and producer, '.' for metric */
  readonly by?: string
  /** A regular expression over the text; the value is its first group. */
  readonly match?: string
  /** Converts the text to lower case, for ids that are written differently by different tools. */
  readonly lower?: boolean
  /** Absent is allowed: the text is empty. */
  readonly optional?: boolean
}

export interface TimeSource extends FieldSource {
  /** @default 'ms' */
  readonly unit?: TimeUnit
  /** For texts of another form than ISO 8601, such as `MM/dd/yyyy HH:mm:ss`. */
  readonly pattern?: string
  /** Of texts that do not name a time zone: `UTC`, `+01:00`, `Europe/Berlin`. */
  readonly zone?: string
  /** An ISO 8601 time that numbers count from, instead of 1970. */
  readonly origin?: string
}

/** The unit behind each number, such as `%`; or several, each with the factor that its numbers are multiplied by. */
export type ValueUnit = string | Readonly<Record<string, number>>

export interface ValueSource extends FieldSource {
  /** Values are text with this unit; any other unit is refused. */
  readonly unit?: ValueUnit
}

/** A path, a source with options, or several parts that are joined. */
export type FieldSpec = string | FieldSource | readonly (string | FieldSource)[]

/** Metrics of a wide record. */
export interface MetricsSource {
  /** The object whose members are metrics. @default the row itself */
  readonly in?: string
  /** Names, or patterns with `*`, of the members that are metrics. @default all */
  readonly only?: readonly string[]
  /** Those that are not, with `*` too. */
  readonly except?: readonly string[]
  /** A regular expression over the name; its named groups `metric` and `vmId` are those of the point. */
  readonly match?: string
  /** Members whose value is text that is no number are passed over. @default false: they are dead letters */
  readonly skipTexts?: boolean
  /** Values are text with this unit; any other unit is refused. */
  readonly unit?: ValueUnit
}

/** A mapping with all defaults filled in. */
export interface RecordMappingSpec {
  readonly vmId: FieldSpec
  readonly producer: FieldSpec | null
  /** Of wide records: what stands before the name of each metric; `null`: nothing. */
  readonly metric: FieldSpec | null
  readonly timestamp: string | TimeSource
  /** `null`: the records have none; points are identified by VM, metric and timestamp. */
  readonly seq: FieldSpec | null
  readonly value: FieldSpec | ValueSource
  /** Several metrics per row, which share seq and timestamp. */
  readonly metrics?: readonly (string | MetricsSource)[]
  /**
   * Paths to the rows in a record, such as `records[]` or `series[].samples[]` (record-levels.ts); `.`: the record itself, if it
   * has none of them.
   */
  readonly records?: readonly string[]
  /** `,`: numbers in text have a decimal comma. */
  readonly decimal?: ',' | '.'
}

/** What is known of a record beside its bytes. */
export interface RecordContext {
  /** Path of the file. */
  readonly file?: string
  readonly key?: Uint8Array | null
  readonly headers?: Readonly<Record<string, unknown>>
}

/** How CSV is written. */
export interface CsvDialect {
  /** One character. @default ',' */
  readonly separator?: string
  /** Removes spaces and tabs around fields. @default false */
  readonly trim?: boolean
  /** Names of the columns, for files without a header. */
  readonly columns?: readonly string[]
  /** Lines that begin with this are comments. */
  readonly comment?: string
  /** Number of lines before the header, or before the data where there is none. */
  readonly skip?: number
  /** Several tables in one file: the first line after an empty one is the header of the next table. */
  readonly tables?: boolean
}
