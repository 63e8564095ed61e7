/** Encodes a `prometheus.WriteRequest` of remote write 1.0: protobuf, compressed with snappy in its block format. */
import { ProtoWriter } from '../../adapters/bytes/protobuf.ts'
import { snappyCompressRaw } from '../../adapters/bytes/snappy-compress.ts'
import type { RemoteSample } from './samples.ts'

/** Pure. Each sample is a series of its own: within a request, no two have the same labels. */
export function encodeWriteRequest(samples: readonly RemoteSample[]): Buffer {
  const request = new ProtoWriter(samples.length * 128)
  for (const { labels, timestampMs, value } of samples) {
    const series = request.open(1)
    for (const [name, text] of labels) {
      const label = request.open(1)
      request.string(1, name).string(2, text).close(label)
    }
    const sample = request.open(2)
    request.double(1, value).uint53(2, timestampMs).close(sample)
    request.close(series)
  }
  return snappyCompressRaw(request.finish())
}
