/**
 * The bins of a quantile sketch: bin k holds the magnitudes in (γ^(k−1), γ^k], and 2γ^k / (γ + 1) stands for all of them, which
 * is off by α of itself at either end (the paper named in quantile-sketch.ts, section 2.1; γ = (1 + α) / (1 − α)).
 *
 * Both ways are the same to the last bit wherever this runs, since results are compared by their digests. `Math.log2` is
 * fdlibm's in every version of V8 that there is, and the test asks it at the bounds of all bins; `Math.pow` is not (exp2.ts).
 */
import { exp2 } from './exp2.ts'

/** α: a quantile is off by at most this part of itself, as long as no bin below it was collapsed. */
export const RELATIVE_ACCURACY = 0.01

const GAMMA = 1 + (2 * RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
/** 1 / log2(γ), written down because `Math.log1p` need not be the same everywhere either. */
const BINS_A_DOUBLING = 34.65620375188817

/** γ·2^−1023: what is not above it has no bin. */
export const MIN_MAGNITUDE = 1.135012422773875e-308

/** The bin of a finite magnitude above MIN_MAGNITUDE. */
export function keyOf(magnitude: number): number {
  return Math.ceil(Math.log2(magnitude) * BINS_A_DOUBLING)
}

/** What stands for the magnitudes of a bin. */
export function valueOf(key: number): number {
  return exp2(key / BINS_A_DOUBLING) * (2 / (1 + GAMMA))
}
