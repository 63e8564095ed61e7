/** Computes and checks the digest of a certificate. */
import { digestedText, type Certificate } from '../core/certificate.ts'
import { textDigest } from './text-digest.ts'

/** Adds the digest to a certificate. */
export function sealCertificate(certificate: Omit<Certificate, 'digest'>): Certificate {
  return { ...certificate, digest: textDigest(digestedText(certificate)) }
}

/** Whether the digest matches, so nothing that it covers was changed after sealing. */
export function isIntact(certificate: Certificate): boolean {
  return textDigest(digestedText(certificate)) === certificate.digest
}
