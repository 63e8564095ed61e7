/** Progress events of a stack that starts or stops: one when a step begins and one when it ends. */

export type Progress =
  | { readonly kind: 'begin'; readonly service: string; readonly doing: string }
  | { readonly kind: 'end'; readonly service: string; readonly hasFailed: boolean; readonly seconds: number }

export type OnProgress = (progress: Progress) => void

export async function timed<T>(
  service: string,
  doing: string,
  onProgress: OnProgress,
  step: () => Promise<T>,
): Promise<T> {
  const begunMs = performance.now()
  let hasFailed = true
  onProgress({ kind: 'begin', service, doing })
  try {
    const result = await step()
    hasFailed = false
    return result
  } finally {
    onProgress({ kind: 'end', service, hasFailed, seconds: (performance.now() - begunMs) / 1000 })
  }
}
