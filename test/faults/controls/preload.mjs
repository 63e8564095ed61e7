/** Loaded into a processor before the program with `node --import`; it replaces some of the ports with faulty ones. */
import { register } from 'node:module'

register('./hooks.mjs', import.meta.url)
