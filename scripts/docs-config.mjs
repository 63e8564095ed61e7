/** Writes docs/configuration.md from the table of settings (src/config/settings.ts). */
import { writeFileSync } from 'node:fs'
import { configurationReference } from '../dist/config/reference.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationReference())
