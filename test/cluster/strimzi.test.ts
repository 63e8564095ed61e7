/** Strimzi's objects have the fields and types that its own model has. The model knows neither required fields nor ranges. */
import { expect, it } from 'vitest'
import { buildText } from '../k8s/manifests.ts'
import { runOnModel } from './strimzi/model.ts'

/** One line per object of Strimzi's in the text: kind, name and `ok` or what the model does not accept. */
async function checked(manifests: string): Promise<string[]> {
  const output = await runOnModel('CheckModel.java', manifests)
  return output.trimEnd().split('\n').toSorted()
}

it('the model accepts the objects of the overlay for AKS', async () => {
  expect(await checked(await buildText('aks'))).toEqual([
    'Kafka kafka: ok',
    'KafkaNodePool brokers: ok',
    'KafkaTopic vm-telemetry: ok',
    'KafkaUser windrow: ok',
  ])
})

it.each([
  ['partitions: 8', 'partitionz: 8', 'KafkaTopic vm-telemetry: Unrecognized field "partitionz"'],
  ['type: jbod', 'type: jbot', "KafkaNodePool brokers: Could not resolve type id 'jbot'"],
  ['seccompProfile:', 'secompProfile:', 'Kafka kafka: Unrecognized field "secompProfile"'],
])('the model refuses %s as %s', async (right, wrong, problem) => {
  const text = await buildText('aks')
  expect(text).toContain(right)
  expect((await checked(text.replaceAll(right, wrong))).join('\n')).toContain(problem)
})
