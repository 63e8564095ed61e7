/** Sends requests that we encode ourselves through the connections of kafkajs. */

export interface RawProtocol {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<Buffer>
    readonly parse: (payload: Buffer) => Promise<Buffer>
  }
}

/** `body` follows the client id of the request header. The response is returned from after its correlation id. */
export function rawRequest(apiName: string, apiKey: number, apiVersion: number, body: Buffer): RawProtocol {
  const identity = async (payload: Buffer) => payload
  return {
    request: { apiKey, apiVersion, apiName, encode: async () => ({ buf: body, buffer: body }) },
    response: { decode: identity, parse: identity },
  }
}
