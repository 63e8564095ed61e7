/** Cgroups that container engines leave behind: they are the machine's, not a sandbox's. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'

/** Removes the cgroups of these names, in every hierarchy, except for those in which another program of the machine runs. */
export function removeCgroups(names: readonly string[]): void {
  for (const hierarchy of ['', ...readdirSync(ROOT)])
    for (const name of names) removeCgroup(join(ROOT, hierarchy, name))
}

/** Whether the cgroup is gone. */
function removeCgroup(path: string): boolean {
  if (!existsSync(path)) return true
  const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const areGone = children.map(({ name }) => removeCgroup(join(path, name)))
  if (areGone.includes(false) || readFileSync(join(path, 'cgroup.procs'), 'utf8') !== '') return false
  rmdirSync(path)
  return true
}
