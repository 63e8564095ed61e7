/**
 * The versions of daprd that Windrow recommends and warns of. The manifests, compose.yaml and the guides name
 * `DEPLOYED_DAPR_VERSION`; a test compares them with it. What the tests build is stated in src/dev/stack/builds.ts.
 */
import type { SidecarClient } from './client.ts'
import { isDeniedApi } from './grpc-errors.ts'

/** The newest patch: what clusters are to install. */
export const DEPLOYED_DAPR_VERSION = '1.18.7'

/**
 * Older ones let callers forge headers that sidecars trust, accept forged reminders of the scheduler, and have a gap in
 * access lists (release notes of 1.18.6 and 1.19.0).
 */
export const SAFE_DAPR_VERSION = '1.18.6'

const CALL_TIMEOUT_MS = 5_000

/** The version of the sidecar; `null` if it does not say so: the embedded one, or a daprd that does not allow the question. */
export async function runtimeVersionOf({ api }: Pick<SidecarClient, 'api'>): Promise<string | null> {
  try {
    const { runtimeVersion } = await api.getMetadata({ timeoutMs: CALL_TIMEOUT_MS })
    return runtimeVersion === '' ? null : runtimeVersion
  } catch (error) {
    // Not allowed: the watch of the actors reports that (actor-watch.ts).
    if (isDeniedApi(error)) return null
    throw error
  }
}

/** Whether a version is known to be unsafe. Versions that are no releases, such as `edge`, are not. */
export function isUnsafeDapr(version: string): boolean {
  const [own, safe] = [partsOf(version), partsOf(SAFE_DAPR_VERSION)]
  if (own === null || safe === null) return false
  const differing = own.findIndex((part, i) => part !== safe[i])
  return differing >= 0 && (own[differing] as number) < (safe[differing] as number)
}

function partsOf(version: string): number[] | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)
  return match === null ? null : match.slice(1).map(Number)
}
