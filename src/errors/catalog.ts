/**
 * The closed catalog of error codes. Every `WindrowError` carries one of them, and docs/reference/errors.md is generated
 * from this table (`npm run docs:errors`). A new error is one entry here; the code is then accepted at its throw sites.
 */

/** What the caller may do next: `fatal` stop, `retryable` try the same again, `lost` give the partition up. */
export type Disposition = 'fatal' | 'retryable' | 'lost'

export interface ErrorDefinition {
  /** What happened, for a reader who only has the code. */
  readonly meaning: string
  readonly disposition: Disposition
  /** What to do about it, in the imperative; a throw site may give a more specific one. */
  readonly remedy: string
}

const entry = (disposition: Disposition) => (meaning: string, remedy: string) => ({ meaning, disposition, remedy })
const fatal = entry('fatal')
const retryable = entry('retryable')
const lost = entry('lost')

const REPORT = 'This is a bug in Windrow. Please report it with this output.'
const RESTORE_STORE = 'Restore the state store from a backup, then restart.'
const SAME_VERSION = 'Run the same version of Windrow in every processor of the job.'
const PORT = 'Choose another port, or stop the program that listens on this one.'

/** Codes in alphabetical order. Codes are stable: operators match them in alerts and scripts. */
export const ERROR_CATALOG = {
  ANOTHER_JOB: fatal(
    'The certificates to verify belong to another job.',
    'Give --job, --results and --certificates of the same job.',
  ),
  ANSWER_DIFFERS: fatal('A VM window workflow returned fewer or more VM windows than requested.', SAME_VERSION),
  BORDERS_CHANGED: fatal(
    'The time zone data of this process moves a border of an open or recent window.',
    'Run the job with a Node.js that has the time zone data named first (process.versions.tz), or start a new job (--job) whose windows follow the new rule.',
  ),
  CANNOT_LISTEN: fatal('The gateway cannot listen on its address.', 'Check the host and the port of --listen.'),
  CHUNK_BROKEN: fatal(
    'A stored chunk is missing or damaged: the state store lost or changed an acknowledged write.',
    RESTORE_STORE,
  ),
  CLIENT_CLOSED: fatal(
    'The sidecar client was used after it had been closed.',
    'Close the client after everything that uses it has ended.',
  ),
  CLOSE_UNDER_WAY: fatal(
    'A partition started to carry out a close request but has not answered yet.',
    'Check with windrow status which windows have closed.',
  ),
  CODEC: fatal('Windrow does not write this compression codec.', 'Use gzip.'),
  COMMIT_FAILS: fatal(
    'The workflow of one commit failed too many times in a row.',
    'Fix the cause in the message, then restart. Nothing of this commit is visible and nothing is lost.',
  ),
  COMPONENT_FAILED: retryable(
    'A pub/sub or binding component of the sidecar failed.',
    'Usually transient: the call is retried. If it persists, check the log of the sidecar, the broker, and that the topic exists.',
  ),
  COMPONENT_FORBIDDEN: fatal(
    'The sidecar does not allow this app to publish to the topic.',
    'Add the topic to publishingScopes or allowedTopics of the component, or publish to another topic.',
  ),
  COMPONENT_MISSING: fatal(
    'The sidecar has not loaded the pub/sub or binding component, or the binding does not support the operation.',
    'Check the name in --results, the resources folder of the sidecar, the scopes of the component, and the log of the sidecar.',
  ),
  COMPONENT_UNAVAILABLE: retryable(
    'The sidecar did not answer a call of a component.',
    'Usually transient: the call is retried. If it persists, check that the sidecar runs and that the broker answers.',
  ),
  CONFIGURATION: fatal('One or more settings are invalid.', 'Fix the settings listed above and restart.'),
  CORRUPT_BATCH: fatal(
    'A compressed record batch cannot be decompressed.',
    'Read the topic with another client. If that fails as well, the batch was damaged before it was stored.',
  ),
  COUNTS_DIFFER: fatal(
    'The counts of a commit do not add up, so it was not committed.',
    'Please report this together with the ledger of the partition.',
  ),
  CSV_HEADER: fatal(
    'The header of a CSV file does not name the required columns.',
    'Add a header with the columns vmId,metric,timestamp,seq,value, or map the columns with the field settings.',
  ),
  DATA_DIR_BUSY: retryable('The process that holds the data folder is starting or stopping.', 'Try again in a moment.'),
  DATA_DIR_FORMAT: fatal(
    'Another version of Windrow wrote the data folder in a format that this version cannot read.',
    'Use the version of Windrow that wrote it, or another folder.',
  ),
  DATA_DIR_IN_USE: fatal(
    'Another process uses the data folder.',
    'Stop the other process, or give this one its own folder with --data-dir.',
  ),
  DATA_DIR_UNREADABLE: fatal(
    'The data folder cannot be opened.',
    'Make the folder readable and writable. If its content is damaged, use another folder.',
  ),
  DATA_LOSS: fatal(
    'Records that the job still needs no longer exist in the log.',
    'Records were deleted before they were read, or the log was truncated: restore the log, or raise the retention and start a new job (--job) to continue without them.',
  ),
  DEAD_LETTERS: fatal(
    'Records were rejected, and --fail-on-dead-letters is set.',
    'Fix the rejected records, or omit --fail-on-dead-letters.',
  ),
  DEAD_LETTER_CUT: fatal(
    'A dead letter holds only the first bytes of its record, too few for a retry.',
    'Give the whole record with --record or --file.',
  ),
  DEMO_DIFFERS: fatal('The results of the demo differ from what its generator sent.', REPORT),
  EMPTY_ACCUMULATOR: fatal(
    'A summary was requested of an accumulator without points.',
    'Request the result only of metrics that have points.',
  ),
  FILE_DAMAGED: fatal(
    'An input file is damaged.',
    'Replace the file with an intact copy. Its bytes differ, so process it under another job name (--job).',
  ),
  HEALTH_PORT: fatal('The health endpoint cannot listen on its port.', `${PORT} See --health-port.`),
  INPUT_CHANGED: fatal(
    'The input differs from the one that the job started with.',
    'Restore the original input, or process the changed one under another job name (--job).',
  ),
  INPUT_UNREADABLE: fatal(
    'An input file cannot be read.',
    'Check the file and the disk, then restart: the job resumes where it stopped.',
  ),
  INPUT_UNUSABLE: fatal(
    'Every record was rejected, or no timestamp is plausible: all are before 1990 or more than a year ahead of the clock.',
    'Check the format of the input, the names of its fields and the unit of its timestamps, then run again with another --data-dir or --job.',
  ),
  INSTANCE_FAILED: retryable(
    'A workflow instance of VM windows failed.',
    'No action needed: it is retried. If it keeps failing, check the worker log.',
  ),
  INSTANCE_STALLED: retryable(
    'A workflow instance did not end in time.',
    'Check that a worker is connected to the sidecar. The attempt is retried.',
  ),
  INVALID_AGGREGATOR: fatal('An aggregator or one of its parameters is invalid.', 'Fix the aggregator and restart.'),
  JOB_CHANGED: fatal(
    'The job started with other settings.',
    'Use the original settings, or choose another --job or --data-dir for the new ones.',
  ),
  JOB_ENDED: fatal(
    'The job has already consumed its standard input.',
    'Its results are complete. Choose another --data-dir or --job for another input.',
  ),
  KAFKA_CLOSED: fatal(
    'The process stopped before Kafka answered.',
    'No action needed: the connection was closed by a shutdown.',
  ),
  KAFKA_DENIED: fatal(
    'Kafka rejected the credentials or the operation.',
    'Check the credentials and the permissions of this user for the topics, the group and the transactional ids.',
  ),
  KAFKA_FENCED: lost(
    'Another process took over the partition and fenced this one.',
    'No action needed: this process gives up the partition and may join the group again.',
  ),
  KAFKA_NOT_MEMBER: lost(
    'The consumer group rebalanced without this process.',
    'No action needed: the process rejoins the group automatically.',
  ),
  KAFKA_PARTITION_MISSING: fatal(
    'The topic does not have the requested partition.',
    'Check the topic name, and that the topic was not recreated with fewer partitions.',
  ),
  KAFKA_PROTOCOL: fatal(
    'A broker returned an error or a response that Windrow does not understand.',
    'Windrow cannot recover from this error. Look it up in the broker log.',
  ),
  KAFKA_TLS: fatal(
    "The broker's TLS certificate is not trusted.",
    "Check kafkaCaFile, and that the broker's certificate is valid and names the address used to reach it.",
  ),
  KAFKA_TOKEN_REFUSED: fatal(
    'The token endpoint rejected the request for an access token.',
    'Check kafkaTokenUrl, kafkaScope, the client id in kafkaUsername, and its secret or kafkaTokenFile.',
  ),
  KAFKA_TOKEN_UNAVAILABLE: retryable(
    'The token endpoint cannot be reached or returned no usable token.',
    'Usually transient: the request is retried. If it persists, check the token issuer.',
  ),
  KAFKA_TOO_LARGE: fatal(
    'A record is larger than the topic allows.',
    'Raise max.message.bytes of the topic, or make the records smaller.',
  ),
  KAFKA_TOPIC_MISSING: fatal('The topic does not exist.', 'Create the topic, or correct its name.'),
  KAFKA_TOPIC_REPLACED: fatal(
    'The topic was deleted and recreated while the gateway was running.',
    'Start a new job for the recreated topic, then restart the gateway.',
  ),
  KAFKA_TOPIC_UNKNOWN: retryable(
    'A broker does not know the topic or partition, at least not yet.',
    'Create the topic, or correct its name. A topic created just now becomes known within seconds.',
  ),
  KAFKA_TRANSACTION: retryable(
    'A transaction failed.',
    'No action needed: the producer is reopened, which rolls back its unfinished transaction.',
  ),
  KAFKA_TRANSIENT: retryable(
    'A broker reported a temporary condition.',
    'Usually transient; if it persists, check the broker log.',
  ),
  KAFKA_UNREACHABLE: retryable(
    'No broker can be reached.',
    'Check that the brokers run and that their advertised addresses can be reached from here.',
  ),
  LEDGER_FORMAT: fatal(
    'Another version of Windrow wrote the ledger in a format that this version cannot read.',
    'Run the version of Windrow that wrote it, or recompute the results under another --job or --data-dir.',
  ),
  LEDGER_GONE: fatal('The state store lost the ledger of a partition.', RESTORE_STORE),
  LEDGER_UNREADABLE: retryable(
    'The ledger of a partition is not valid JSON.',
    'The read is retried. If it persists, the state store damaged the ledger: restore the store from a backup.',
  ),
  MARKER_UNREADABLE: fatal(
    'The publish marker in the results topic cannot be read, so what was published is unknown.',
    'Make sure that only Windrow writes to this topic.',
  ),
  MARKER_UNSTABLE: retryable(
    'A transaction is open in a topic that only this job may write to.',
    'Stop any other writer of this topic. The condition clears when the open transaction times out.',
  ),
  MESSAGE_TOO_LARGE: fatal(
    'A message exceeds the size limit of the sidecar, or that of a pub/sub component.',
    "Raise the sidecar's --max-body-size (daprd's default is 4 MiB) or the component's limit (maxMessageBytes), or make values and workflows smaller.",
  ),
  METRICS_PORT_TAKEN: fatal('The metrics endpoint cannot listen on its port.', `${PORT} See --metrics-port.`),
  NOTHING_IN_RANGE: fatal(
    'The job has closed no window in the requested range.',
    'Widen --from or --to. windrow status shows which window closed last.',
  ),
  NOTHING_PUBLISHED: fatal(
    'The job has published no certificate.',
    'Give the settings that the job runs with (--data-dir, --results, --certificates), or wait until a window closes.',
  ),
  NOTHING_TO_VERIFY: fatal(
    'There are no records, results or certificates to verify.',
    'Wait until a window has closed, choose another range, or name the certificates with --certificates.',
  ),
  NOT_A_RECORD: fatal(
    'The dead letter is a VM window whose aggregator failed, so there is no record to retry.',
    'Fix the aggregator and recompute under another --job: all points are still in the input.',
  ),
  NOT_OF_A_TOPIC: fatal(
    'The dead letter came from a file, not from a topic.',
    "Name the job's file of dead letters with --dead-letters.",
  ),
  NOT_PUBLISHED_BY_WINDROW: fatal(
    'A topic contains a record that Windrow did not publish.',
    'Name the topics of the job. Nothing else may write to them.',
  ),
  NOT_WRITTEN: fatal('The overlay cannot be written.', 'Name the folder of an overlay, such as k8s/overlays/local.'),
  NO_DEAD_LETTERS: fatal(
    'There is no file of dead letters.',
    "Name the run's folder with --data-dir, the file with --dead-letters, or give --brokers for a topic.",
  ),
  NO_JOB: fatal('The state contains no such job.', 'Give the --job that the run was started with.'),
  NO_OWNER: fatal(
    'No processor owns some of the partitions.',
    'Start the job, give --leave to leave the request for the next owner, or wait longer with --wait.',
  ),
  NO_STACK: fatal('There is no local stack in the folder.', 'Start one with windrow stack up.'),
  NO_STATE: fatal(
    'The data folder contains no state.',
    "Name the run's folder with --data-dir, or give --sidecar dapr for a job that runs on daprd.",
  ),
  NO_SUCH_DEAD_LETTER: fatal('There is no dead letter with this name.', 'List them with windrow dead-letters list.'),
  NO_SUCH_WINDOW: fatal('No partition has this window open.', 'Name an open window: windrow status lists them.'),
  ONLY_LIVE: fatal(
    'The job has published results that the replay does not produce, and they cannot be retracted.',
    'Readers must ignore these results: no record leads to them.',
  ),
  OTHER_SETTINGS: fatal(
    'The settings differ from those that the certificates were made with.',
    'Give --window and all other settings as the run had them.',
  ),
  PARTITION_LOST: lost(
    'Another processor took over the partition.',
    'No action needed: another processor took over and resumes from the ledger.',
  ),
  PARTITION_REVOKED: lost(
    'The consumer group revoked the partition from this process.',
    'No action needed: the new owner resumes from the ledger.',
  ),
  PORT_TAKEN: fatal("The gateway's port is in use.", `${PORT} See --listen.`),
  POSTGRES_DENIED: fatal(
    'PostgreSQL rejected the user, the database or a permission.',
    'Check user, password and database. The user must own the tables, or be allowed to create them in their schema.',
  ),
  POSTGRES_REFUSED: fatal(
    'PostgreSQL refused a statement.',
    'Look up the SQLSTATE in the manual of PostgreSQL, and check triggers and constraints that were added to the tables.',
  ),
  POSTGRES_TLS: fatal(
    'The TLS connection to PostgreSQL cannot be established.',
    'Give sslrootcert=FILE with the certificate authority of the server, or sslmode=disable in a network that is trusted.',
  ),
  POSTGRES_UNREACHABLE: retryable(
    'PostgreSQL cannot be reached, or it ended the connection or the transaction.',
    'Usually transient: the commit is published again. If it persists, check that the server runs and accepts writes.',
  ),
  PROMETHEUS_REFUSED: fatal(
    'A receiver of remote write rejected a request, with a status of 3xx or 4xx that no later attempt changes.',
    'Check the address in prometheus: and that the receiver accepts remote write (Prometheus: --web.enable-remote-write-receiver), then restart: the samples are sent again.',
  ),
  PROMETHEUS_UNAVAILABLE: retryable(
    'A receiver of remote write cannot be reached, was too slow, or answered 5xx or 429.',
    'Usually transient: the samples are sent again. If it persists, check that the receiver runs and its limits.',
  ),
  PROMOTION_NOT_DONE: fatal('A commit did not carry out the promotion that it was made for.', SAME_VERSION),
  PROMOTION_REFUSED: fatal(
    'Some VMs were not promoted.',
    'The first ones are listed above with the reason; docs/operating/replay.md explains each reason.',
  ),
  PROMOTION_UNDER_WAY: fatal(
    'A partition started to carry out a promotion but has not answered yet.',
    'Run the same command again.',
  ),
  PROMOTION_UNREADABLE: fatal(
    "Some partitions' owners could not read the rows to promote.",
    'Nothing was changed there. Run the same command again.',
  ),
  PUBLISHED_UNREADABLE: fatal(
    'A published line cannot be read: the file was changed after publication.',
    'Restore what was published, then verify again.',
  ),
  PUBLISHER_BROKEN: retryable(
    'The publisher failed earlier and cannot be used any more.',
    'No action needed: it is closed and a new one is opened.',
  ),
  PUBLISHER_FENCED: retryable(
    'A later publisher of the partition fenced this one.',
    'No action needed: the ledger is re-read to find out who owns the partition.',
  ),
  REPLAY_BEYOND: fatal(
    'The replay closed other windows than it was meant to compare.',
    'Replay under another name with --into, or without --to.',
  ),
  REPLAY_DIFFERS: fatal(
    'The replay produced results that differ from the published ones.',
    'The first differences are listed above. Settings that differ from those of the run cause differences too.',
  ),
  REQUESTS_FORMAT: fatal(
    'Another version of Windrow wrote the operator requests in a format that this version cannot read.',
    'Run the version of Windrow that wrote them.',
  ),
  REQUEST_GONE: fatal(
    'The request no longer exists: it was withdrawn, or later requests displaced its answer.',
    "Check the owner's log.",
  ),
  RESULTS_BEHIND: fatal(
    'The published results are older than the ledger says.',
    'Restore the results, or recompute them under another job name.',
  ),
  RESULTS_DISK_FULL: retryable(
    'The disk is full, so results cannot be written.',
    'Free some space. Nothing is lost, and publishing resumes automatically.',
  ),
  RESULTS_FILE_DAMAGED: fatal(
    'The results file, or the file next to it with what was published, is damaged.',
    'Restore the file, or move it and its .windrow.json away and recompute the results under another job name (--job).',
  ),
  RESULTS_FILE_EXISTS: fatal(
    'A file exists where the job wants to write its results.',
    'Move the file away, or give --results another path.',
  ),
  RESULTS_FILE_LOCKED: fatal(
    'Another process writes to the same results.',
    'Stop the other process, or give --results another path.',
  ),
  RESULTS_NOT_READABLE: fatal(
    'The results go to a sink that cannot be read back.',
    'Name a destination that can be read, such as FILE.ndjson, as the first --results.',
  ),
  RESULTS_OF_ANOTHER_JOB: fatal(
    'The table or folder has the results of another job.',
    'Name another table (table=NAME) or folder, or run under the name of the job that it belongs to (--job).',
  ),
  RESULTS_TABLE_AHEAD: fatal(
    'The table has results that the job has not published yet.',
    'Another program wrote to the table, or it was restored in part. Name another table, and recompute the results under another job name (--job).',
  ),
  RESULTS_TABLE_DIFFERS: fatal(
    'A table exists and is not as Windrow writes it.',
    'Change the table as the message says, rename it, or name another one with table=NAME.',
  ),
  RESULTS_UNWRITABLE: fatal(
    'Results cannot be written to their path.',
    'Check the path, its permissions and the disk, or give --results another path.',
  ),
  RESULTS_WRITE_FAILED: retryable(
    'Writing results failed, for a reason that may pass.',
    'The write is retried. If it persists, check the disk, or give --results another path.',
  ),
  RESULT_INVALID: fatal('A result to publish is malformed.', 'This is a bug in Windrow. Report it with the line.'),
  RETRY_IN_VAIN: fatal(
    'The dead letter would be rejected again.',
    'Give a corrected record with --record or --file, or recompute the windows.',
  ),
  RETRY_UNDER_WAY: retryable(
    'Another retry of dead letters is running.',
    'Try again when it has ended. A retry whose process was killed ends within a minute.',
  ),
  SCHEMA_REGISTRY_REFUSED: fatal(
    'The schema registry rejected the request.',
    'Check the address of the registry and the credentials.',
  ),
  SCHEMA_REGISTRY_UNAVAILABLE: retryable(
    'The schema registry cannot be reached.',
    'Check that the registry runs and can be reached. Reading resumes when it answers.',
  ),
  SCHEMA_UNUSABLE: fatal(
    'The Avro schema of a file cannot be read as points: it is not valid, or a field is missing or has another type.',
    'Map its fields with fields, as docs/reference/input.md describes.',
  ),
  SERVICE_FAILED: retryable(
    'A call of another app failed, or was not answered in time.',
    'Usually transient: the call is retried. If it persists, check that the app and its sidecar run, and the app id in notify:.',
  ),
  SERVICE_REFUSED: fatal(
    'Another app rejected a call, with a status of 4xx.',
    'Fix the method or the app, then restart: the call is made again.',
  ),
  SIDECAR_API_DENIED: fatal(
    'The sidecar does not offer an API that Windrow needs: its Configuration does not allow it.',
    'Add the API to api.allowed in the Configuration of the sidecar, for the protocol grpc: Windrow needs state, metadata and shutdown.',
  ),
  SIDECAR_DIED: fatal(
    'The embedded sidecar ended unexpectedly.',
    'Restart: the state is on disk, and workflows are retried from it.',
  ),
  SIDECAR_METADATA_DENIED: fatal(
    'The sidecar does not allow the API metadata, so a sidecar that has lost its workflow actors is not detected.',
    'Add metadata and shutdown to api.allowed in the Configuration of the sidecar, for the protocol grpc. The run continues without the check.',
  ),
  SIDECAR_REFUSED: fatal(
    'The sidecar rejected the API token or the call.',
    "Give the sidecar's API token (DAPR_API_TOKEN), and check its access rules.",
  ),
  SIDECAR_STUCK: retryable(
    'The sidecar keeps the worker connected but has lost its workflow actors.',
    'The sidecar is asked to shut down so that its supervisor restarts it. Without a supervisor, restart it by hand.',
  ),
  SIDECAR_UNREACHABLE: fatal('No sidecar answered.', 'Start the sidecar, or correct its host and gRPC port.'),
  SOURCE_CLOSED: lost('The partition reader was closed.', 'No action needed: the partition is reopened by its owner.'),
  STACK_DATA_DIR_CLOSED: fatal(
    'The user postgres cannot enter the data folder of the stack.',
    'Choose another --data-dir, or make each folder on the path accessible with chmod o+x.',
  ),
  STACK_DIFFERS: fatal('The stack was started with other options.', 'Take it down first, or use another --data-dir.'),
  STACK_PORT_TAKEN: fatal(
    'Other programs use ports that the stack needs.',
    'Stop the programs that listen there, or choose another --port-base.',
  ),
  STACK_PROGRAM_FAILED: fatal('A program of the stack failed.', 'Read its log, fix the cause, then retry.'),
  STACK_SERVICE_FAILED: fatal('A service of the stack failed to start.', 'Read its log, fix the cause, then retry.'),
  STACK_SERVICE_NOT_READY: retryable('A service of the stack is not ready.', 'Wait, or read its log.'),
  STACK_SERVICE_NOT_STOPPED: fatal('A service of the stack does not stop.', 'Read its log, or send it SIGKILL.'),
  STACK_TOOLS_MISSING: fatal(
    'Programs that the command needs are not installed.',
    'Install the programs listed above, then retry.',
  ),
  STATE_BEHIND: fatal(
    'More is published than the ledger knows: the state was reset, or the results belong to another state.',
    'Restore the state that produced these results, or publish elsewhere.',
  ),
  STATE_STORE_FAILED: retryable(
    'The sidecar reported that a state store operation failed.',
    "Check the sidecar's log for the cause. The call is retried.",
  ),
  STATE_STORE_MISSING: fatal(
    'The sidecar has no state store of this name.',
    'Configure a state store component of this name, or set --state-store to the one that exists.',
  ),
  STATE_STORE_UNAVAILABLE: retryable(
    'A state store call did not reach the sidecar, or its reply was lost.',
    'Check that the sidecar runs and can be reached. The call is retried.',
  ),
  STATE_WRITE_FAILED: fatal(
    'The embedded state store cannot write to disk.',
    'Make sure that the data folder is writable and the disk has space, then restart.',
  ),
  STATUS_OVERTAKEN: retryable('The partition commits faster than its status can be read.', 'Try again.'),
  STOPPED: fatal('The command was stopped before it finished.', 'Run the same command again. Nothing is lost.'),
  TOO_MANY_REQUESTS: fatal(
    'The partition already has the maximum number of open requests.',
    'Start a processor of the job to carry them out, or wait until it has.',
  ),
  TOPIC_COMPACTED: fatal(
    'The input topic is compacted, so records that a window needs may be removed.',
    'Read a topic with cleanup.policy=delete.',
  ),
  TOPIC_RECREATED: fatal(
    'The input topic is not the one that the job started with.',
    'The topic was deleted and recreated, or another one is configured. Start a new job (--job).',
  ),
  TOPIC_REPARTITIONED: fatal(
    'The partition count of the input topic changed.',
    'VMs moved to other partitions, so open windows cannot be completed. Start a new job (--job).',
  ),
  UNEXPECTED: fatal('An unexpected error.', 'Please report this. Nothing that was committed is lost.'),
  USAGE: fatal('The command line is invalid.', 'See windrow --help.'),
  VALUE_NOT_TEXT: fatal('A value for the state store is not well-formed text.', REPORT),
  VALUE_TOO_LARGE: fatal(
    'A value exceeds the size limit of the state store.',
    "Raise maxValueBytes if the store and the sidecar's --max-body-size allow it, or use smaller windows.",
  ),
  WORKER_LOST: fatal(
    'The workflow worker cannot stay connected to the sidecar.',
    "Check the sidecar's log for why it ends the stream of work items.",
  ),
  WORKER_STOPPED: fatal('The workflow worker was stopped.', 'Restart it to run workflows.'),
  WORKFLOW_ACCESS_DENIED: fatal(
    'A WorkflowAccessPolicy of the sidecars denies a workflow call.',
    "Run the sidecars with Dapr's mTLS (sentry), which identifies the caller, and list this app id among the callers of the policy; or remove the policy.",
  ),
  WORKFLOW_ENGINE_FAILED: retryable(
    'The sidecar reported that a workflow operation failed.',
    "Check the sidecar's log for the cause. The call is retried.",
  ),
  WORKFLOW_ENGINE_UNAVAILABLE: retryable(
    'A workflow call did not reach the sidecar, or its reply was lost.',
    'Check that the sidecar runs and can be reached. The call is retried.',
  ),
  WORKFLOW_FAILED: retryable(
    'The workflow of a commit failed.',
    'No action needed: it is retried. If it keeps failing, check the sidecar and its workers.',
  ),
  WORKFLOW_GONE: retryable(
    'The workflow engine no longer knows the workflow of a commit.',
    'No action needed: it is retried. If it keeps happening, check the sidecar and its workers.',
  ),
  WORKFLOW_NOT_ENDED: retryable(
    'A terminated workflow has not ended yet.',
    'Purge it again when a worker is connected.',
  ),
  WORKFLOW_STALLED: retryable(
    'The workflow of a commit makes no progress.',
    'No action needed: it is retried. If it keeps stalling, check the sidecar and its workers.',
  ),
} as const satisfies Readonly<Record<string, ErrorDefinition>>

export type ErrorCode = keyof typeof ERROR_CATALOG

/** Whether a code, such as one received from another version of Windrow, is in this version's catalog. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOG, code)
}
