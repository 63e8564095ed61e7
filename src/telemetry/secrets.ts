/**
 * Masks secrets in log lines. A line may contain a secret because a library quotes an address in an error, or because a
 * setting is logged as given. Masking is applied to the finished line, so that code that logs need not think of it.
 */
import { readFileSync } from 'node:fs'
import { settings } from '../config/names.ts'
import type { Config } from '../config/settings.ts'

const MASK = '[secret]'
/** Masking shorter values would make lines unreadable, and such short passwords are not used. */
const MIN_CHARS = 4

/** The secrets of a configuration: settings marked as secret, and the user and password of every address. */
export function secretsOf(config: Config): string[] {
  const found = settings.flatMap(({ key, meta }) => {
    const value: unknown = config[key]
    if (typeof value !== 'string') return []
    if (meta.isSecretFile === true) return contentOf(value)
    return meta.isSecret === true ? [value] : credentialsIn(value)
  })
  return [...new Set(found)].filter((secret) => secret.length >= MIN_CHARS)
}

/** A file that cannot be read is reported by the code that uses it. */
function contentOf(path: string): string[] {
  try {
    return [readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? '']
  } catch {
    return []
  }
}

function credentialsIn(text: string): string[] {
  const userInfo = /^[a-z][a-z+.-]*:\/\/([^\s/@]+)@/i.exec(text)?.[1]
  if (userInfo === undefined) return []
  const password = userInfo.slice(userInfo.indexOf(':') + 1)
  return [userInfo, password, decodeURIComponent(password)]
}

/** Replaces every secret in a line of JSON, longest first, since one secret may contain another. */
export function masking(secrets: readonly string[]): (line: string) => string {
  const base64 = (secret: string): string => Buffer.from(secret).toString('base64')
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), base64(secret)])
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (line) => longestFirst.reduce((masked, secret) => masked.replaceAll(secret, MASK), line)
}
