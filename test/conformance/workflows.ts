/** The workflows and activities that the suite runs. */
import type { Task, WorkflowContext } from '@dapr/dapr'
import type { Definitions } from './worker.ts'

export type Steps = AsyncGenerator<Task<unknown>, unknown, unknown>

export const definitions: Definitions = {
  workflows: {
    echo: async function* (_: WorkflowContext, input: unknown): Steps {
      return { echo: input }
    },
    failing: async function* (): Steps {
      throw new TypeError('this workflow fails')
    },
    'call-activity': async function* (context: WorkflowContext, input: { activity: string; input: unknown }): Steps {
      return { result: yield context.callActivity(input.activity, input.input) }
    },
    'catch-activity': async function* (context: WorkflowContext): Steps {
      try {
        yield context.callActivity('throwing', 'x')
      } catch (error) {
        return `caught: ${(error as Error).message}`
      }
      return 'not caught'
    },
    'fan-out': async function* (context: WorkflowContext, width: number): Steps {
      const tasks = Array.from({ length: width }, (_, i) => context.callActivity('double', i + 1))
      return yield context.whenAll(tasks)
    },
    sleep: async function* (context: WorkflowContext, seconds: number): Steps {
      const start = context.getCurrentUtcDateTime().getTime()
      yield context.createTimer(seconds)
      return context.getCurrentUtcDateTime().getTime() - start
    },
    'wait-for-events': async function* (context: WorkflowContext, names: string[]): Steps {
      const received: unknown[] = []
      for (const name of names) received.push(yield context.waitForExternalEvent(name))
      return received
    },
    'timer-or-event': async function* (context: WorkflowContext): Steps {
      const timer = context.createTimer(3600)
      const event = context.waitForExternalEvent('go')
      const first = (yield context.whenAny([timer, event])) as Task<unknown>
      return first === event ? 'event' : 'timer'
    },
    parent: async function* (context: WorkflowContext, input: { child: string; input: unknown }): Steps {
      return { child: yield context.callChildWorkflow(input.child, input.input) }
    },
    'parent-of-many': async function* (context: WorkflowContext, width: number): Steps {
      const children = Array.from({ length: width }, (_, i) => context.callChildWorkflow('echo', i + 1))
      return yield context.whenAll(children)
    },
    'parent-of-parents': async function* (context: WorkflowContext, widths: number[]): Steps {
      return yield context.whenAll(widths.map((width) => context.callChildWorkflow('parent-of-many', width)))
    },
    'catch-child': async function* (context: WorkflowContext): Steps {
      try {
        yield context.callChildWorkflow('failing')
      } catch (error) {
        return `caught: ${(error as Error).message}`
      }
      return 'not caught'
    },
    'count-to-five': async function* (context: WorkflowContext, n: number): Steps {
      if (n < 5) context.continueAsNew(n + 1, false)
      return { n }
    },
    'keep-events': async function* (context: WorkflowContext, n: number): Steps {
      if (n === 1) {
        yield context.waitForExternalEvent('next-generation')
        context.continueAsNew(2, true)
        return null
      }
      return yield context.waitForExternalEvent('kept')
    },
    status: async function* (context: WorkflowContext): Steps {
      context.setCustomStatus('halfway')
      yield context.waitForExternalEvent('go')
      return 'done'
    },
  },
  activities: {
    double: (_, input: number) => input * 2,
    'type-of': (_, input: unknown) => (input === undefined ? 'undefined' : JSON.stringify(input)),
    nothing: () => undefined,
    throwing: () => {
      throw new RangeError('this activity fails')
    },
  },
}
