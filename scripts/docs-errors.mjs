/** Writes docs/reference/errors.md from the catalog of error codes (src/errors/catalog.ts). */
import { writeFileSync } from 'node:fs'
import { errorReference } from '../dist/errors/reference.js'

writeFileSync(new URL('../docs/reference/errors.md', import.meta.url), errorReference())
