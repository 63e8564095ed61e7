/** Certificates for a test, made by OpenSSL: an authority of its own, and who it signs. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Signed {
  readonly cert: string
  readonly key: string
  /** Key and certificate in one file, as Kafka's PEM stores have them. */
  readonly both: string
}

export interface Authority {
  /** Its certificate. */
  readonly ca: string
  /** `address` is the IP address that the certificate is for. */
  sign(name: string, address?: string): Signed
}

const DAYS = ['-days', '1']

export function createAuthority(folder: string, name: string): Authority {
  const file = (ending: string): string => join(folder, `${name}${ending}`)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'rsa:2048', '-nodes']
  const [ca, caKey] = [file('.pem'), file('.key')]
  openssl('req', '-x509', ...newKey, ...DAYS, '-subj', `/CN=${name}`, '-keyout', caKey, '-out', ca)
  return {
    ca,
    sign(who, address) {
      const of = (ending: string): string => file(`-${who}${ending}`)
      const [cert, key, both, request, extensions] = ['.pem', '.key', '.both.pem', '.csr', '.ext'].map(of) as [
        ...[string, string, string, string, string],
      ]
      openssl('req', ...newKey, '-subj', `/CN=${who}`, '-keyout', key, '-out', request)
      writeFileSync(extensions, address === undefined ? '' : `subjectAltName=IP:${address}\n`)
      const by = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial']
      openssl('x509', '-req', '-in', request, ...by, ...DAYS, '-extfile', extensions, '-out', cert)
      writeFileSync(both, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'), { mode: 0o600 })
      return { cert, key, both }
    },
  }
}
