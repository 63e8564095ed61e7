/** kustomize and kubeconform, which Go builds once per machine into the project's cache. */
import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { builtOnce, cacheFolder } from '../../src/dev/stack/cache.ts'

const MODULES = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.1',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
} as const
export type Tool = keyof typeof MODULES

/** Path of a program. The first build takes a minute; without Go it fails with an error that names Go. */
export async function tool(name: Tool): Promise<string> {
  const module = MODULES[name]
  const version = module.slice(module.lastIndexOf('@') + 2)
  const folder = await builtOnce(cacheFolder(process.env, homedir()), `${name}-${version}`, async (into) => {
    execFileSync('go', ['install', module], { env: { ...process.env, GOBIN: into, GOFLAGS: '' }, stdio: 'pipe' })
  })
  return join(folder, name)
}
