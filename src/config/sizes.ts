/** Sizes as people write them: a whole number and a binary unit, `512B`, `64KiB`, `1MiB`, `2GiB`. */

const UNIT_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** The size in bytes, or `null` if the text is invalid. `kB` and `MB` are invalid, because their meaning is ambiguous. */
export function parseSize(text: string): number | null {
  const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text)
  if (match === null) return null
  const bytes = Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES]
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The shortest text that `parseSize` parses to the same size. */
export function sizeText(bytes: number): string {
  if (bytes === 0) return '0B'
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes % UNIT_BYTES[unit] === 0) return `${bytes / UNIT_BYTES[unit]}${unit}`
  }
  return `${bytes}B`
}
