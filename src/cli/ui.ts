/** `windrow ui`: serves the page of a job, beside whatever runs it. */
import { KAFKA_SECURITY } from '../config/kafka-rules.ts'
import { messageOf } from '../errors/index.ts'
import type { PageObserver, ServePage } from '../page/serve.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addFlagsOf } from './flags.ts'
import { DEFAULT_PAGE_PORT, readPageOptions } from './page-options.ts'
import { packageVersion } from './program.ts'
import { addStoreFlags } from './store-flags.ts'

/** `loadServePage` imports the server and its libraries. Help and usage errors do not need them. */
export function createUiCommand(loadServePage: () => Promise<ServePage>): CliCommand {
  return {
    name: 'ui',
    example: {
      line: 'windrow ui --sidecar dapr --brokers localhost:9092',
      does: `http://127.0.0.1:${DEFAULT_PAGE_PORT}; for a run on files, give --data-dir`,
    },
    configure: (command) => {
      addStoreFlags(command)
        .option('--brokers <list>', 'Kafka brokers of the job')
        .option('--results <output>', 'Its results, if not in the usual place')
        .option('--aggregator <file>', 'Its aggregator, for values of open windows')
        .option('--host <address>', 'Address to listen on (127.0.0.1)')
        .option('--port <number>', `Port to listen on (${DEFAULT_PAGE_PORT})`)
        .option('--token-file <path>', 'Who may retry and close (and read, with --host)')
        .option('--json', 'Print the address as one JSON line')
      addFlagsOf(command, [...KAFKA_SECURITY, 'schemaRegistry', 'deadLetters', 'certificates'])
    },
    async run(flags, context) {
      const { config, ...place } = readPageOptions(flags, context.env)
      const servePage = await loadServePage()
      const request = { ...place, config, version: packageVersion(), isOwnRun: () => false }
      const observer = observerOn(context, config.job)
      const listening = (url: string): void => {
        if (config.json) context.stdout.write(`${JSON.stringify({ url })}\n`)
        else observer.listening(url)
      }
      await servePage(request, { ...observer, listening }, context.signal)
      return 0
    },
  }
}

export function observerOn({ stderr }: Pick<CliContext, 'stderr'>, job: string): PageObserver {
  return {
    listening: (url) => void stderr.write(`the page of job ${job}: ${url}\n`),
    resultsMissing: (text) => void stderr.write(`the page shows no results: ${text}\n`),
    ordered: (text) => void stderr.write(`${text}\n`),
    fault: (error) => void stderr.write(`a request of the page failed unexpectedly: ${messageOf(error)}\n`),
  }
}
