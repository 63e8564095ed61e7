/** The static files of the page, as `scripts/build-page.mjs` bundled them, and the policy under which browsers run them. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

export interface PageAsset {
  /** Media type with its character set. */
  readonly type: string
  readonly body: Buffer
  /** Changes with the content; in quotes, as the header requires. */
  readonly etag: string
}

/** No inline scripts and styles, nothing from another address, no frame around the page, no form that leaves it. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const ASSETS = new URL('../../dist/page/assets/', import.meta.url)
const FILES = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/assets/page.js', name: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/assets/page.css', name: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/assets/icon.svg', name: 'icon.svg', type: 'image/svg+xml' },
]

/** By the path of the request. */
export async function readPageAssets(): Promise<ReadonlyMap<string, PageAsset>> {
  const entries = FILES.map(async ({ path, name, type }): Promise<[string, PageAsset]> => {
    const body = await readFile(new URL(name, ASSETS))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    return [path, { type, body, etag }]
  })
  return new Map(await Promise.all(entries))
}
