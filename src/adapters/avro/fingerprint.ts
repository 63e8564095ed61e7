/**
 * Schema fingerprints: CRC-64-AVRO, a 64-bit Rabin fingerprint, of a schema's parsing canonical form.
 * https://avro.apache.org/docs/1.12.0/specification/#schema-fingerprints and #parsing-canonical-form-for-schemas
 */
import type { Type } from 'avsc'

/** The irreducible polynomial, and the fingerprint of the empty text. */
const EMPTY = 0xc15d213aa4d7a795n

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let fingerprint = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) fingerprint = (fingerprint >> 1n) ^ (EMPTY & -(fingerprint & 1n))
  return BigInt.asUintN(64, fingerprint)
})

/** CRC-64-AVRO of the text's UTF-8 bytes, unsigned. */
export function rabinFingerprint(text: string): bigint {
  let fingerprint = EMPTY
  for (const byte of Buffer.from(text, 'utf8')) {
    fingerprint = (fingerprint >> 8n) ^ (TABLE[Number(fingerprint & 0xffn) ^ byte] as bigint)
  }
  return fingerprint
}

/** The parsing canonical form: full names, no docs, aliases, defaults or logical types, attributes in a fixed order. */
export function canonicalForm(type: Type): string {
  return JSON.stringify(type.schema())
}

/**
 * How libraries write a long with a logical type in the canonical form: as the specification says; goavro 2.15.0 and Apache's
 * Python package 1.12.2; hamba/avro 2.31.0.
 */
const LOGICAL_FORMS = ['"long"', '{"type":"long"}', '{"type":"long","logicalType":"timestamp-millis"}']

/**
 * The fingerprint of the specification, and those that libraries compute which keep logical types in the canonical form. The
 * names of fields identify our times, which have the only logical types of our schemas.
 */
export function fingerprintVariants(type: Type): bigint[] {
  const form = canonicalForm(type)
  const forms = LOGICAL_FORMS.map((logical) =>
    form.replace(
      /"name":"(timestamp|windowStart)","type":"long"/g,
      (_, name: string) => `"name":"${name}","type":${logical}`,
    ),
  )
  return [...new Set(forms)].map(rabinFingerprint)
}

export function schemaFingerprint(type: Type): bigint {
  return rabinFingerprint(canonicalForm(type))
}

/** As people compare it: 16 hexadecimal digits, most significant first. */
export function formatFingerprint(fingerprint: bigint): string {
  return fingerprint.toString(16).padStart(16, '0')
}
