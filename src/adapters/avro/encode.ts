/** Encodes points and manifests in Avro's single-object encoding, with the current schemas. */
import { checkManifest, checkPoint } from '../../core/shape.ts'
import type { DataPoint, DecodedEntry, WindowManifest } from '../../core/point.ts'
import { createObjectEncoder } from './single-object.ts'

export interface AvroEncoder {
  /** Throws a TypeError for a point that a decoder would refuse, and for one without a seq that replaces producers. */
  encodePoint(point: DataPoint): Buffer
  /** A point whose value is NaN: there was no reading. Throws a TypeError as `encodePoint` does. */
  encodeNoReading(point: DataPoint): Buffer
  /** Throws a TypeError for a manifest that a decoder would refuse. */
  encodeManifest(manifest: WindowManifest): Buffer
  /** Any of the three. */
  encodeEntry(entry: Exclude<DecodedEntry, { readonly kind: 'undecodable' }>): Buffer
}

export function createEncoder(): AvroEncoder {
  const encodePoint = createObjectEncoder('data-point')
  const encodeReplacingPoint = createObjectEncoder('replacing-data-point')
  const encodeUnsequencedPoint = createObjectEncoder('unsequenced-data-point')
  const encodeNoReading = createObjectEncoder('no-reading')
  const encodeManifest = createObjectEncoder('window-manifest')
  const encoder: AvroEncoder = {
    encodePoint(point) {
      const problem = checkPoint(point)
      if (problem !== null) throw new TypeError(problem)
      const { seq, ...unsequenced } = point
      if (seq === null) return encodeUnsequencedPoint(unsequenced)
      return point.replaces === true ? encodeReplacingPoint(point) : encodePoint(point)
    },
    encodeNoReading({ value: _value, ...place }) {
      const problem = checkPoint({ ...place, value: 0 })
      if (problem !== null) throw new TypeError(problem)
      return encodeNoReading(place)
    },
    encodeManifest(manifest) {
      const problem = checkManifest(manifest)
      if (problem !== null) throw new TypeError(problem)
      return encodeManifest(manifest)
    },
    encodeEntry(entry) {
      if (entry.kind === 'manifest') return encoder.encodeManifest(entry.manifest)
      return entry.kind === 'point' ? encoder.encodePoint(entry.point) : encoder.encodeNoReading(entry.point)
    },
  }
  return encoder
}
