/**
 * The real thing on one machine, without containers: Kafka, Redis, PostgreSQL, Dapr's placement, scheduler and sidecars
 * on loopback ports, from package registries only.
 *
 *     const stack = await startStack({ dataDir: '.windrow-stack' })
 *     stack.description.addresses.kafka // '127.0.0.1:9092'
 *     await stack.down()
 *
 * stack.ts        the loop: brings services up in order, completes what is up in part, takes them down in reverse
 * service.ts       what a service is; redis.ts, postgres.ts, kafka.ts, placement.ts, scheduler.ts, daprd.ts are the services
 * process.ts      processes that outlive the command: pid files, liveness, ending
 * programs.ts     tools.ts finds what the machine has, builds.ts builds the rest into the cache (cache.ts)
 * broker.ts       Kafka alone, for who needs no sidecar
 * description.ts  stack.json, from which others learn the addresses; ports.ts lays the ports out
 *
 * State is kept in two places: the data folder (data, logs, pid files, stack.json; one stack each) and the cache
 * (what was built; shared by all checkouts of the machine).
 */
export { APP_ID, STATE_STORE_NAME, STATE_STORES, findStack, readStack } from './description.ts'
export type { DaprdDescription, StackDescription, StateStoreKind } from './description.ts'
export { DEFAULT_PORT_BASE, MAX_DAPRDS } from './ports.ts'
export type { Progress } from './progress.ts'
export { startBroker } from './broker.ts'
export type { Broker, BrokerOptions } from './broker.ts'
export { openStack, startStack } from './stack.ts'
export type { DaprdOptions, ServiceStatus, Stack, StackOptions } from './stack.ts'
