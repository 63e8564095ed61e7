/**
 * The services that Windrow runs on, on one machine and without containers: Kafka, Redis, PostgreSQL, and Dapr's placement,
 * scheduler and sidecars. They listen on loopback ports. All programs come from package registries.
 *
 *     const stack = await startStack({ dataDir: '.windrow-stack' })
 *     stack.description.addresses.kafka // '127.0.0.1:9092'
 *     await stack.down()
 *
 * stack.ts        starts the missing services in order and stops them in reverse order
 * service.ts      the interface of a service; redis.ts, postgres.ts, kafka.ts, placement.ts, scheduler.ts, daprd.ts are the services;
 *                 prometheus.ts, grafana.ts are those that only observe
 * process.ts      processes that outlive the command: pid files, liveness, shutdown
 * programs.ts     all programs: tools.ts finds installed ones, builds.ts builds the others into the cache (cache.ts)
 * broker.ts       only Kafka, for jobs that need no sidecar of the stack
 * progress.ts     events when a step begins and ends; data-files.ts reads the templates of stack/
 * description.ts  stack.json, from which other programs read the addresses; ports.ts assigns the ports
 *
 * State is kept in two places: the data folder (data, logs, pid files, stack.json; one stack each) and the cache
 * (built programs; shared by all checkouts on the machine).
 */
export { APP_ID, STATE_STORE_NAME, STATE_STORES, findStack, readStack } from './description.ts'
export type { DaprdDescription, StackDescription, StateStoreKind } from './description.ts'
export { DEFAULT_PORT_BASE, MAX_DAPRDS } from './ports.ts'
export type { Progress } from './progress.ts'
export { startBroker } from './broker.ts'
export type { Broker, BrokerOptions } from './broker.ts'
export { openStack, startStack } from './stack.ts'
export type { DaprdOptions, ServiceStatus, Stack, StackOptions } from './stack.ts'
