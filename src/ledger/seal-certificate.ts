import { digestedText, type Certificate } from '../core/certificate.ts'
import { textDigest } from './text-digest.ts'

/** Gives a certificate its digest. */
export function sealCertificate(certificate: Omit<Certificate, 'digest'>): Certificate {
  return { ...certificate, digest: textDigest(digestedText(certificate)) }
}

/** Whether nothing that the digest covers was changed since it was sealed. */
export function isIntact(certificate: Certificate): boolean {
  return textDigest(digestedText(certificate)) === certificate.digest
}
