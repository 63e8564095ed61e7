/** The configuration reference as Markdown, generated from the table of settings so that it cannot be out of date. */
import { CONFIG_FILE_VARIABLE, settings, type Setting } from './names.ts'

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs:config\` from src/config/settings.ts; changes here are overwritten. -->

A setting is given as a flag, as an environment variable, or in the YAML file that \`--config FILE\` (or \`${CONFIG_FILE_VARIABLE}\`)
names. Flags override variables, variables override the file, and the file overrides defaults. Every given value is checked, used or
not, and all problems are reported at once; an unknown key in the file is an error. An empty variable counts as not set.
\`--no-…\` before a switch's name turns it off. Secrets can only come from variables or from separate files.

\`\`\`yaml
source: kafka
brokers: [localhost:9092]
topic: vm-telemetry
window: 1h
grace: 5m
\`\`\`
`

/** The whole document, with a line end. */
export function configurationReference(): string {
  const groups = [...new Set(settings.map((s) => s.meta.group))]
  const sections = groups.map((group) => {
    const parts = settings.filter((s) => s.meta.group === group).map(describe)
    return `## ${group}\n\n${parts.join('\n')}`
  })
  return [INTRODUCTION, ...sections].join('\n')
}

function describe({ name, flag, env, meta }: Setting): string {
  const ways = meta.isSecret === true ? [] : [`\`${name}\` in the file`]
  if (flag !== null) ways.unshift(`\`${meta.placeholder === null ? flag : `${flag} ${meta.placeholder}`}\``)
  ways.push(...env.map((variable) => `\`${variable}\``))
  const lines = [`${meta.help}.`, meta.details, `Takes ${meta.expects}.`, `Default: ${defaultText(meta)}.`]
  return `### ${name}\n\n${ways.join(', ')}\n\n${lines.filter((line) => line !== undefined).join(' ')}\n`
}

function defaultText(meta: Setting['meta']): string {
  if (meta.derivedDefault !== undefined) return meta.derivedDefault
  const isNone = meta.default === null || (Array.isArray(meta.default) && meta.default.length === 0)
  return isNone ? 'none' : `\`${String(meta.default)}\``
}
