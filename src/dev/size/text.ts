/** Formats a sizing for the terminal: what to run, its resources, and which limit is reached first. */
import { COMPONENTS, type Component } from './constants.ts'
import type { Sizing } from './model.ts'
import { formatBytes, formatCompact, formatCount, formatDuration } from '../../ui/format.ts'
import { renderTable } from '../../ui/table.ts'

const NAMES: Readonly<Record<Component, string>> = {
  processor: 'processors',
  sidecar: 'sidecars',
  scheduler: 'Dapr scheduler',
  store: 'state store',
  kafka: 'Kafka',
}

/** `pricePerCoreHour` is in whatever currency it was given in; `null`: none was. */
export function sizingText(sizing: Sizing, pricePerCoreHour: number | null): string {
  const { demand, partitions, processors, processor, sidecar, perSecond, stored } = sizing
  const { vms, pointsPerSecond, windowMs, closeWithinMs, vmsPerWorkflow } = demand
  const lines = [
    `for ${formatCount(vms)} VMs, ${formatCount(pointsPerSecond)} points/s, windows of ${formatDuration(windowMs)} closed within ${formatDuration(closeWithinMs)},`,
    `${formatCount(vmsPerWorkflow)} VM windows a workflow`,
    '',
    ...table(
      ['run', ''],
      [
        ['partitions', formatCount(partitions)],
        [
          'processors',
          `${formatCount(processors)}, more by KEDA above ${formatCompact(sizing.lagThreshold)} records of lag each`,
        ],
        [
          'each processor',
          `${cores(processor.cores)} cores while a window closes, ${formatBytes(processor.memoryBytes)} of memory`,
        ],
        ['each sidecar', `${cores(sidecar.cores)} cores, ${formatBytes(sidecar.memoryBytes)}`],
        ['recovery time', `${formatDuration(sizing.catchUpSeconds * 1000)} after ten minutes of standstill`],
      ],
      'left',
    ),
    '',
    ...table(
      ['cores', 'average', 'peak'],
      COMPONENTS.map((component) => [
        NAMES[component],
        cores(sizing.averageCores[component]),
        cores(sizing.peakCores[component]),
      ]),
    ),
    '',
    ...table(
      ['a second', 'average', 'peak'],
      [
        ['VM windows', rate(perSecond.vmWindows), rate(perSecond.peakInstances * vmsPerWorkflow)],
        ['workflow instances', rate(perSecond.instances), rate(perSecond.peakInstances)],
        ['jobs of the scheduler', rate(perSecond.schedulerJobs), rate(perSecond.peakSchedulerJobs)],
        ['commands of the store', rate(perSecond.storeCommands), rate(perSecond.peakStoreCommands)],
        ['commits, checkpoints too', rate(perSecond.commits), ''],
        ['bytes of checkpoints', formatBytes(perSecond.checkpointBytes), ''],
        ['bytes into Kafka', formatBytes(perSecond.kafkaBytes), ''],
      ],
    ),
    '',
    ...table(
      ['stored', ''],
      [
        ['state of windows', formatBytes(stored.stateBytes)],
        ['finished workflows until purged', formatBytes(stored.instanceBytes)],
        ['points in Kafka, three times', formatBytes(stored.topicBytes)],
      ],
    ),
    '',
    `a million points take ${sizing.coreSecondsPerMillionPoints.toFixed(1)} core seconds${price(sizing, pricePerCoreHour)}`,
    '',
    'what gives way first',
    ...sizing.limits.slice(0, 4).map(({ name, value, limit, unit, change }) => {
      const share = (value / limit) * 100
      const mark = share > 100 ? 'too much' : 'of the limit'
      return `  ${share.toFixed(0).padStart(5)} % ${mark.padEnd(12)}  ${name}: ${amount(value, unit)} of ${amount(limit, unit)}; ${change}`
    }),
  ]
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** Two digits that matter at least, so that small components do not look free. */
function cores(value: number): string {
  return value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(2) : value.toPrecision(2)
}

function rate(value: number): string {
  return value >= 10 ? formatCompact(value) : cores(value)
}

function amount(value: number, unit: string): string {
  if (unit === 'bytes/s') return `${formatBytes(value)}/s`
  return unit === 'cores' ? `${cores(value)} cores` : `${formatCompact(value)} ${unit}`
}

function price({ coreSecondsPerMillionPoints }: Sizing, pricePerCoreHour: number | null): string {
  if (pricePerCoreHour === null) return ''
  return `, ${((coreSecondsPerMillionPoints / 3600) * pricePerCoreHour).toFixed(5)} at ${pricePerCoreHour} a core hour`
}

function table(titles: readonly string[], rows: readonly (readonly string[])[], align: 'left' | 'right' = 'right') {
  return renderTable(
    titles.map((title, i) => ({ title, align: i === 0 ? 'left' : align })),
    rows,
  )
}
