/**
 * The bins of a quantile sketch. Bin k contains the magnitudes in (γ^(k−1), γ^k] and represents them by 2γ^k / (γ + 1), whose
 * relative error is at most α (section 2.1 of the paper named in quantile-sketch.ts; γ = (1 + α) / (1 − α)).
 *
 * Both mappings must give the same bits on every machine, since results are compared by their digests. `Math.log2` does: every
 * version of V8 uses that of fdlibm, and a test checks it at the bounds of all bins. `Math.pow` does not (exp2.ts).
 */
import { exp2 } from './exp2.ts'

/** α: the maximum relative error of a quantile, unless its bin was collapsed. */
export const RELATIVE_ACCURACY = 0.01

const GAMMA = 1 + (2 * RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
/** 1 / log2(γ), written down because `Math.log1p` need not be the same everywhere either. */
const BINS_A_DOUBLING = 34.65620375188817

/** γ·2^−1023: magnitudes up to this one have no bin. */
export const MIN_MAGNITUDE = 1.135012422773875e-308

/** The bin of a finite magnitude above MIN_MAGNITUDE. */
export function keyOf(magnitude: number): number {
  return Math.ceil(Math.log2(magnitude) * BINS_A_DOUBLING)
}

/** The value that represents all magnitudes of a bin. */
export function valueOf(key: number): number {
  return exp2(key / BINS_A_DOUBLING) * (2 / (1 + GAMMA))
}
