/** Writes points and manifests in Avro single-object encoding, with the current schemas. */
import { checkManifest, checkPoint } from '../../core/shape.ts'
import type { DataPoint, WindowManifest } from '../../core/point.ts'
import { headerOf, Writer } from './writer.ts'

export interface AvroEncoder {
  /** Throws a TypeError for a point that a decoder would refuse, one without a seq included. */
  encodePoint(point: DataPoint): Buffer
  /** Throws a TypeError for a manifest that a decoder would refuse. */
  encodeManifest(manifest: WindowManifest): Buffer
}

export function createEncoder(): AvroEncoder {
  const pointHeader = headerOf('data-point')
  const manifestHeader = headerOf('window-manifest')
  const writer = new Writer()

  return {
    encodePoint(point) {
      const problem =
        point.seq === null ? 'seq is null, and the Avro schema has no point without one' : checkPoint(point)
      if (problem !== null) throw new TypeError(problem)
      writer.begin(pointHeader)
      writer.writeString(point.vmId)
      writer.writeString(point.metric)
      writer.writeLong(point.timestamp)
      writer.writeLong(point.seq as number)
      writer.writeDouble(point.value)
      writer.writeString(point.producer)
      return writer.end()
    },
    encodeManifest(manifest) {
      const problem = checkManifest(manifest)
      if (problem !== null) throw new TypeError(problem)
      writer.begin(manifestHeader)
      writer.writeString(manifest.vmId)
      writer.writeString(manifest.producer)
      writer.writeLong(manifest.windowStart)
      writer.writeLong(manifest.firstSeq)
      writer.writeLong(manifest.count)
      writer.writeBoolean(manifest.last)
      return writer.end()
    },
  }
}
