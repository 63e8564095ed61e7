/** Loads the aggregator of a job: the built-in one, or a user's own from the ES module that `--aggregator` names. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { settingOf } from '../config/names.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import { defineAggregator } from '../core/define-aggregator.ts'
import { rate } from '../core/rate.ts'
import { summary } from '../core/summary.ts'
import { ConfigurationError, messageOf, WindrowError } from '../errors/index.ts'

const METHODS = ['create', 'add', 'merge', 'result'] as const
const OPTIONAL_METHODS = ['advance', 'encode', 'decode'] as const
const EXPORT_REMEDY =
  'Export the aggregator from the module, as `export default` or `export const aggregator`; see docs/aggregators.md.'

/**
 * `path` is the setting `aggregator`: the name of a built-in aggregator (`null`: `summary`), or the path of a module. The export may
 * also be a plain definition, so that a module needs no import. Rejects with a ConfigurationError.
 */
export async function loadAggregator(path: string | null): Promise<AnyAggregator> {
  if (path === null || path === 'summary') return summary
  if (path === 'rate') return rate
  const file = resolve(path)
  if (!existsSync(file)) throw problem(`there is no file ${file}`, 'Give summary, rate or the path of an ES module.')
  if (/\.[cm]?ts$/.test(file) && !canLoadTypeScript()) {
    const remedy = 'Compile the module to JavaScript (.mjs), or use Node.js 22.18 or later.'
    throw problem(`Node.js ${process.version} cannot load the TypeScript module ${file}`, remedy)
  }
  let module: { readonly default?: unknown; readonly aggregator?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as typeof module
  } catch (error) {
    const isMissing = (error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND'
    const remedy = isMissing
      ? 'Install the package where the module is, or export a plain definition, which needs no import.'
      : 'Fix the module; `node FILE` shows where it fails.'
    throw problem(`${file} cannot be loaded: ${messageOf(error)}`, remedy)
  }
  const exported = module.aggregator ?? module.default
  if (exported === undefined) throw problem(`${file} exports no aggregator`, EXPORT_REMEDY)
  return aggregatorOf(exported, file)
}

function canLoadTypeScript(): boolean {
  const { typescript } = process.features as { readonly typescript?: string | false }
  return typeof typescript === 'string'
}

function aggregatorOf(exported: unknown, file: string): AnyAggregator {
  if (typeof exported !== 'object' || exported === null) {
    throw problem(`${file} exports ${exported === null ? 'null' : `a ${typeof exported}`}`, EXPORT_REMEDY)
  }
  const members = exported as { readonly [name: string]: unknown }
  const isWrong = (name: string): boolean => typeof members[name] !== 'function'
  const wrong = [
    ...(typeof members['name'] === 'string' ? [] : ['name']),
    ...METHODS.filter(isWrong),
    ...OPTIONAL_METHODS.filter((name) => members[name] !== undefined && isWrong(name)),
  ]
  if (wrong.length > 0) {
    const remedy =
      'Give the aggregator a name and the functions create, add, merge and result; see docs/aggregators.md.'
    throw problem(`the aggregator of ${file} has no valid ${wrong.join(', ')}`, remedy)
  }
  // What createSummary returns has the reserved name of the built-in aggregator, and every member.
  if (members['name'] === summary.name && OPTIONAL_METHODS.every((name) => !isWrong(name))) {
    return exported as AnyAggregator
  }
  try {
    return defineAggregator(exported as Parameters<typeof defineAggregator>[0]) as AnyAggregator
  } catch (error) {
    if (!(error instanceof WindrowError)) throw error
    throw problem(`the aggregator of ${file} is not valid: ${error.message}`, error.remedy)
  }
}

function problem(text: string, remedy: string): ConfigurationError {
  const { flag, name } = settingOf('aggregator')
  return new ConfigurationError([{ place: flag ?? name, problem: text, remedy }])
}
