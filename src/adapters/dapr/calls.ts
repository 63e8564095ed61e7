/** Calls to a sidecar over @grpc/grpc-js: one promise per call, with a deadline, ended when the client is closed. */
import type { CallOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js'

/** Starts a call. The callback is that of a method of a gRPC stub. */
export type StartCall<Response> = (
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall

/** Rejects with the error of @grpc/grpc-js, or with the reason of the closing. */
export type Caller = <Response>(timeoutMs: number, start: StartCall<Response>) => Promise<Response>

export function createCaller(closed: AbortSignal): Caller {
  const inFlight = new Set<ClientUnaryCall>()
  closed.addEventListener('abort', () => {
    for (const call of inFlight) call.cancel()
  })

  return (timeoutMs, start) =>
    new Promise((resolve, reject) => {
      // A closed channel throws a plain error without a status; throw the reason of the closing instead.
      closed.throwIfAborted()
      const call = start({ deadline: Date.now() + timeoutMs }, (error, response) => {
        inFlight.delete(call)
        if (error === null) resolve(response)
        else reject(closed.aborted ? (closed.reason as Error) : error)
      })
      inFlight.add(call)
    })
}
