/** The accepted values of each kind of setting, from text and from YAML, and the problems of all others. */
import { describe, expect, test } from 'vitest'
import { fieldMapping } from '../../src/config/field-mapping.ts'
import * as kinds from '../../src/config/kinds.ts'
import type { Kind } from '../../src/config/kinds.ts'
import { fileSetting } from '../../src/sinks/files/setting.ts'
import { topicSetting } from '../../src/sinks/kafka/setting.ts'

/** The input, and either its value or the beginning of the reported problem. */
type Case = readonly [given: unknown, expected: { value: unknown } | { problem: string }]

const value = (v: unknown) => ({ value: v })
const problem = (p: string) => ({ problem: p })

const CASES: Readonly<Record<string, readonly [Kind<unknown>, readonly Case[]]>> = {
  oneOf: [
    kinds.oneOf('files', 'kafka'),
    [
      ['kafka', value('kafka')],
      ['kafak', problem('"kafak" is not known (did you mean kafka?)')],
      ['x', problem('"x" is not known')],
      [1, problem('1 is not known')],
    ],
  ],
  wholeNumber: [
    kinds.wholeNumber(1, 10),
    [
      [1, value(1)],
      ['10', value(10)],
      [0, problem('0 is below 1')],
      ['-3', problem('"-3" is below 1')],
      ['11', problem('"11" is above 10')],
      [1.5, problem('1.5 is not a whole number')],
      ['1e1', problem('"1e1" is not a whole number')],
      ['', problem('"" is not a whole number')],
      [null, problem('null is not a whole number')],
      [true, problem('true is not a whole number')],
    ],
  ],
  windowLength: [
    kinds.windowLength(),
    [
      ['5m', value(300_000)],
      ['week', value('week')],
      ['Week', problem('"Week" is not a duration')],
      ['0s', problem('"0s" is below 1ms')],
      [60, problem('60 has no unit')],
    ],
  ],
  timeZone: [
    kinds.timeZone(),
    [
      ['America/St_Johns', value('America/St_Johns')],
      ['UTC', value('UTC')],
      ['+02:00', problem('"+02:00" is not a time zone')],
      ['Mars/Olympus', problem('"Mars/Olympus" is not a time zone that Node.js knows')],
      [2, problem('2 is not a time zone')],
    ],
  ],
  orAuto: [
    kinds.orAuto(kinds.wholeNumber(1, 10)),
    [
      ['auto', value('auto')],
      [7, value(7)],
      ['7', value(7)],
      ['Auto', problem('"Auto" is not a whole number')],
      ['11', problem('"11" is above 10')],
    ],
  ],
  duration: [
    kinds.duration(1000),
    [
      ['1h', value(3_600_000)],
      ['250ms', problem('"250ms" is below 1s')],
      [60, problem('60 has no unit')],
      ['60', problem('"60" has no unit')],
      ['1x', problem('"1x" is not a duration')],
      [null, problem('null is not a duration')],
    ],
  ],
  size: [
    kinds.size(1024, 1024 ** 2),
    [
      ['64KiB', value(65_536)],
      ['1B', problem('"1B" is below 1KiB')],
      ['2MiB', problem('"2MiB" is above 1MiB')],
      ['1MB', problem('"1MB" is not a size')],
      [1_000_000, problem('1000000 has no unit')],
    ],
  ],
  yesOrNo: [
    kinds.yesOrNo(),
    [
      [true, value(true)],
      ['true', value(true)],
      ['1', value(true)],
      ['false', value(false)],
      ['0', value(false)],
      ['yes', problem('"yes" is neither true nor false')],
    ],
  ],
  paths: [
    kinds.paths(),
    [
      ['a,b.ndjson', value(['a,b.ndjson'])],
      [['a', '-'], value(['a', '-'])],
      [['a', 3], problem('3 is not a path')],
      ['', problem('"" is not a path')],
    ],
  ],
  brokerList: [
    kinds.brokerList(),
    [
      ['a:9092, b:9093', value(['a:9092', 'b:9093'])],
      [['[::1]:9092'], value(['[::1]:9092'])],
      ['a', problem('"a" is not host:port')],
      ['a:0', problem('"a:0" is not host:port')],
      ['a:65536', problem('"a:65536" is not host:port')],
      ['a:9092,', problem('"" is not host:port')],
      [9092, problem('9092 is not host:port')],
    ],
  ],
  sink: [
    kinds.sink(),
    [
      ['out/results.ndjson', value(fileSetting('out/results.ndjson'))],
      ['kafka:vm.results-1', value(topicSetting('vm.results-1'))],
      ['kafka:', problem('"" is not a topic name')],
      ['kafka:a b', problem('"a b" is not a topic name')],
      ['kafak:results', problem('"kafak:results" is not a destination that Windrow knows')],
      ['.ndjson', problem('".ndjson" is not a destination that Windrow knows')],
      ['-', problem('"-" is not a destination that Windrow knows')],
    ],
  ],
  sinks: [
    kinds.sinks(),
    [
      ['out.ndjson', value([fileSetting('out.ndjson')])],
      [['out.ndjson', 'kafka:out'], value([fileSetting('out.ndjson'), topicSetting('out')])],
      [['out.ndjson', 'out.csv'], problem('"out.csv" is not a destination that Windrow knows')],
      [[], problem('the list is empty')],
    ],
  ],
  topicName: [
    kinds.topicName(),
    [
      ['vm-telemetry_1.x', value('vm-telemetry_1.x')],
      ['.', problem('"." does not fit')],
      ['a/b', problem('"a/b" does not fit')],
      ['a'.repeat(250), problem(`"${'a'.repeat(56)}… does not fit`)],
    ],
  ],
  fieldMapping: [
    fieldMapping(),
    [
      [
        { vmId: 'host', seq: null },
        value({
          vmId: 'host',
          producer: 'producer',
          metric: 'metric',
          timestamp: 'timestamp',
          seq: null,
          value: 'value',
        }),
      ],
      [{ vmid: 'host' }, problem('there is no field "vmid" (did you mean vmId?)')],
      [{ vmId: null }, problem('null is not a field name')],
      [{ value: '' }, problem('a field name is empty')],
      ['host', problem('"host" is not an object')],
    ],
  ],
}

describe.each(Object.entries(CASES))('%s', (_, [kind, cases]) => {
  test.each(cases)('%j gives %j', (given, expected) => {
    const parsed = kind.parse(given)
    const actual = 'value' in parsed ? parsed : { problem: parsed.problems[0]?.problem }
    expect(actual).toEqual(expected)
  })
})

test('an optional setting can be null, and is otherwise validated like the required one', () => {
  const { parse } = kinds.optional(kinds.duration(1))
  expect(parse(null)).toEqual({ value: null })
  expect(parse('5m')).toEqual({ value: 300_000 })
  expect(parse('5')).toHaveProperty('problems')
})

test('every problem of a field mapping is reported, with the field that it belongs to', () => {
  expect(fieldMapping().parse({ vmId: '', seq: null, value: 7, vmid: 'host', decimal: ';' })).toEqual({
    problems: [
      { path: ['vmId'], problem: 'a field name is empty' },
      { path: ['value'], problem: '7 is not a field name' },
      { path: ['decimal'], problem: 'decimal is ";", expected "," or "."' },
      { path: [], problem: 'there is no field "vmid" (did you mean vmId?)' },
    ],
  })
})
