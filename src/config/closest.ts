/** "Did you mean …": the known word that a mistyped one most likely stands for. */

/**
 * The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `word`, or `null` when even that
 * one needs more edits than a typing mistake: more than a third of the longer word, or more than three.
 */
export function closest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let fewest = Infinity
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    const allowed = Math.min(3, Math.floor(Math.max(word.length, candidate.length) / 3))
    if (edits <= allowed && edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** Optimal string alignment distance, by rows: only the last two are needed. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) edits = Math.min(edits, at(beforeLast, j - 2) + 1)
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
