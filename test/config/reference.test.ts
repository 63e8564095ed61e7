import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settings } from '../../src/config/names.ts'
import { configurationReference } from '../../src/config/reference.ts'

test('docs/reference/settings.md matches the settings; `npm run docs:config` writes it', () => {
  const written = readFileSync(new URL('../../docs/reference/settings.md', import.meta.url), 'utf8')
  expect(written).toBe(configurationReference())
})

test('the reference lists the flag, variable and file key of every setting', () => {
  const reference = configurationReference()
  for (const { name, flag, env, meta } of settings) {
    expect(reference).toContain(`\n### ${name}\n`)
    const isInFile = meta.isSecret !== true
    for (const way of [flag ?? (isInFile ? name : null), ...env])
      if (way !== null) expect(reference).toContain('`' + way)
    expect(reference.includes(`\`${name}\` in the file`)).toBe(isInFile)
  }
})
