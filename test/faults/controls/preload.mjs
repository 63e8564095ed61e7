/** Loaded into a processor before the program, with `node --import`: from here on some of its ports are not the good ones. */
import { register } from 'node:module'

register('./hooks.mjs', import.meta.url)
