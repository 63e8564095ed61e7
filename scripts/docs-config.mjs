/** Writes docs/reference/settings.md from the table of settings (src/config/settings.ts). */
import { writeFileSync } from 'node:fs'
import { configurationReference } from '../dist/config/reference.js'

writeFileSync(new URL('../docs/reference/settings.md', import.meta.url), configurationReference())
