/** Base64, in which stored rows hold bytes. */

export function base64Of(bytes: Uint8Array): string {
  // `btoa` of Node.js 20 is many times slower, and the contents of points are the largest part of a stored VM window.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Throws a DOMException for a text that is no base64; `Buffer.from` would read what it can of it. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}
