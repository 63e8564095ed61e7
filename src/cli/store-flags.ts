/** Flags that say where a job's state is, for commands that look at it; settings of a run, read in the same way. */
import { Option, type Command } from 'commander'

export function addStoreFlags(command: Command): Command {
  return (
    command
      .option('--config <file>', 'Read settings from this YAML file')
      .option('--job <name>', 'Name of the job (windrow)')
      .option('--data-dir <path>', 'State of an embedded sidecar (.windrow)')
      .option('--sidecar <kind>', 'embedded, or dapr for a daprd (embedded)')
      .option('--dapr-grpc-port <number>', 'Port on which the daprd speaks gRPC (50001)')
      // Seldom other than their defaults, and the screen is small.
      .addOption(new Option('--dapr-host <host>', 'Host of the daprd (127.0.0.1)').hideHelp())
      .addOption(new Option('--state-store <name>', 'Dapr component of the state (statestore)').hideHelp())
  )
}
