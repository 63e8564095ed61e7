/**
 * The parts of the SDK @dapr/dapr that Windrow uses: the client and the worker of workflows, and their logger. Each is loaded
 * from its own file, because the SDK's index loads all of the SDK, an HTTP server among it. The package is pinned to one
 * version; a file that is missing throws at startup.
 */
import { createRequire } from 'node:module'
import type workflowClient from '@dapr/dapr/workflow/client/DaprWorkflowClient.js'
import type workflowRuntime from '@dapr/dapr/workflow/runtime/WorkflowRuntime.js'

// Not by `import`: Node and the test runner disagree on what the default export of these files is.
const require = createRequire(import.meta.url)

export const { default: DaprWorkflowClient } =
  require('@dapr/dapr/workflow/client/DaprWorkflowClient.js') as typeof workflowClient
export type DaprWorkflowClient = InstanceType<typeof DaprWorkflowClient>

export const { default: WorkflowRuntime } =
  require('@dapr/dapr/workflow/runtime/WorkflowRuntime.js') as typeof workflowRuntime
export type WorkflowRuntime = InstanceType<typeof WorkflowRuntime>

export { ConsoleLoggerService } from '@dapr/dapr/logger/ConsoleLoggerService.js'
