/**
 * MurmurHash3_x86_128 (A. Appleby), written from its specification for `verify` only. The pipeline has its own
 * implementation; sharing one would hide its mistakes.
 */

/** Four words of 32 bits. */
export type Hash128 = readonly [number, number, number, number]

const C = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const
/** For each of the four lanes: the rotation of the word, the rotation of the lane, and the number that is added. */
const WORD_ROTATIONS = [15, 16, 17, 18] as const
const LANE_ROTATIONS = [19, 17, 15, 13] as const
const ADDENDS = [0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17] as const

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
const lane = (i: number): 0 | 1 | 2 | 3 => (i & 3) as 0 | 1 | 2 | 3

/** Mixes a word of a block before it is added to its lane. */
function mixWord(word: number, i: number): number {
  return Math.imul(rotate(Math.imul(word, C[lane(i)]), WORD_ROTATIONS[lane(i)]), C[lane(i + 1)])
}

function finalMix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}

/**
 * The hash, with seed 0, of the first `byteLength` bytes in `words` (little endian). The remaining bytes of the last word
 * must be 0.
 */
export function murmur128(words: Uint32Array, byteLength: number): Hash128 {
  const h: [number, number, number, number] = [0, 0, 0, 0]
  const blockWords = (byteLength >> 4) << 2
  for (let at = 0; at < blockWords; at += 4) {
    for (let i = 0; i < 4; i++) {
      const mixed = rotate(h[lane(i)] ^ mixWord(words[at + i] as number, i), LANE_ROTATIONS[lane(i)])
      h[lane(i)] = (Math.imul(mixed + h[lane(i + 1)], 5) + ADDENDS[lane(i)]) | 0
    }
  }
  for (let i = 0; i < 4; i++) {
    const rest = blockWords + i
    if (rest * 4 < byteLength) h[lane(i)] ^= mixWord(words[rest] as number, i)
    h[lane(i)] ^= byteLength
  }
  spread(h)
  for (let i = 0; i < 4; i++) h[lane(i)] = finalMix(h[lane(i)])
  spread(h)
  return [h[0] >>> 0, h[1] >>> 0, h[2] >>> 0, h[3] >>> 0]
}

/** Adds all other lanes to the first, then the first to each of them. */
function spread(h: [number, number, number, number]): void {
  h[0] = (h[0] + h[1] + h[2] + h[3]) | 0
  for (let i = 1; i < 4; i++) h[lane(i)] = (h[lane(i)] + h[0]) | 0
}

/** The hash of a text's UTF-8. */
export function murmur128OfText(text: string): Hash128 {
  const bytes = Buffer.from(text)
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4)
  bytes.copy(padded)
  const words = new Uint32Array(padded.length / 4)
  for (let i = 0; i < words.length; i++) words[i] = padded.readUInt32LE(i * 4)
  return murmur128(words, bytes.length)
}
