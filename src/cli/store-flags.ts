/** Flags that locate the state of a job, for commands that read it. They are settings of a run. */
import { Option, type Command } from 'commander'

export function addStoreFlags(command: Command): Command {
  return (
    command
      .option('--config <file>', 'Read settings from this YAML file')
      .option('--job <name>', 'Name of the job (windrow)')
      .option('--data-dir <path>', 'State of an embedded sidecar (.windrow)')
      .option('--sidecar <kind>', 'embedded, or dapr for a daprd (embedded)')
      .option('--dapr-grpc-port <number>', 'gRPC port of the daprd (50001)')
      // Hidden: seldom changed, and the help must fit one screen.
      .addOption(new Option('--dapr-host <host>', 'Host of the daprd (127.0.0.1)').hideHelp())
      .addOption(new Option('--state-store <name>', 'Dapr component of the state (statestore)').hideHelp())
  )
}
