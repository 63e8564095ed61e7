/** Keys and certificates of a Kubernetes cluster, made by openssl in one folder. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from '../../containers/commands.ts'

export class Pki {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(folder: string): Promise<Pki> {
    const pki = new Pki(folder)
    const ca = ['-subj', '/CN=windrow-test', '-addext', 'keyUsage=critical,keyCertSign,digitalSignature']
    const files = ['-keyout', pki.file('ca.key'), '-out', pki.file('ca.crt')]
    await output('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...ca, ...files])
    await output('openssl', ['genrsa', '-out', pki.file('service-accounts.key'), '2048'])
    return pki
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  /** Writes NAME.key and NAME.crt for a user of these groups, which also serve as a server under these names. */
  async issue(
    name: string,
    user: string,
    groups: readonly string[] = [],
    servesAs: readonly string[] = [],
  ): Promise<void> {
    const subject = [`/CN=${user}`, ...groups.map((group) => `O=${group}`)].join('/')
    const request = ['-newkey', 'rsa:2048', '-nodes', '-keyout', this.file(`${name}.key`), '-subj', subject]
    await output('openssl', ['req', ...request, '-out', this.file(`${name}.csr`)])
    const names = servesAs.map((one) => (/^[\d.]+$/.test(one) ? `IP:${one}` : `DNS:${one}`))
    writeFileSync(
      this.file(`${name}.ext`),
      [
        'extendedKeyUsage=clientAuth,serverAuth',
        ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
      ].join('\n'),
    )
    const signer = ['-CA', this.file('ca.crt'), '-CAkey', this.file('ca.key'), '-CAcreateserial', '-days', '2']
    const files = [
      '-in',
      this.file(`${name}.csr`),
      '-extfile',
      this.file(`${name}.ext`),
      '-out',
      this.file(`${name}.crt`),
    ]
    await output('openssl', ['x509', '-req', ...signer, ...files])
  }

  /** Writes NAME.conf, with which a program reaches the API server as the user of NAME.crt. */
  kubeconfig(name: string, server: string): string {
    const path = this.file(`${name}.conf`)
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority': this.file('ca.crt') } }],
      users: [
        { name, user: { 'client-certificate': this.file(`${name}.crt`), 'client-key': this.file(`${name}.key`) } },
      ],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
    }
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
    return path
  }
}
