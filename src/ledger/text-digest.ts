/** The digest that ledgers, chunks and certificates use. */
import { createHash } from 'node:crypto'

/** SHA-256 of a text, in base64url: 43 characters. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url')
}
