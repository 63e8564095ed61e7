/**
 * Keeps secrets out of log lines, wherever they may come from: a library's error that quotes an address, a setting that is
 * shown as it was given. Whoever writes a line need not know; the line is looked at as it leaves.
 */
import { readFileSync } from 'node:fs'
import { settings } from '../config/names.ts'
import type { Config } from '../config/settings.ts'

const MASK = '[secret]'
/** Shorter ones would mask half of every line, and nobody's password is that short. */
const MIN_CHARS = 4

/** What must not be seen of a configuration: settings that are secrets, and user and password of every address. */
export function secretsOf(config: Config): string[] {
  const found = settings.flatMap(({ key, meta }) => {
    const value: unknown = config[key]
    if (typeof value !== 'string') return []
    if (meta.isSecretFile === true) return contentOf(value)
    return meta.isSecret === true ? [value] : credentialsIn(value)
  })
  return [...new Set(found)].filter((secret) => secret.length >= MIN_CHARS)
}

/** A file that cannot be read is told of by who needs it. */
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

/** Replaces every secret in a line of JSON, longest first, since one may hold another. */
export function masking(secrets: readonly string[]): (line: string) => string {
  const base64 = (secret: string): string => Buffer.from(secret).toString('base64')
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), base64(secret)])
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (line) => longestFirst.reduce((masked, secret) => masked.replaceAll(secret, MASK), line)
}
