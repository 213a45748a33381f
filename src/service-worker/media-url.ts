import type { EntryInfo } from '../hive/hive.ts'

/**
 * The URL of one version of an entry below the base that a service worker answers for: what the `src` of a `<video>`
 * should be, so that it never plays a mix of two versions.
 *
 * @throws {TypeError} if `base` is not absolute, or does not end with a slash.
 * @example
 * ```ts
 * import { mediaUrl } from 'combstream/service-worker'
 *
 * console.log(mediaUrl('https://example.com/media/', { alias: 'a b.mp4', etag: '"x"' }))
 * // https://example.com/media/a%20b.mp4?v=%22x%22
 * ```
 */
export function mediaUrl(base: string | URL, { alias, etag }: Pick<EntryInfo, 'alias' | 'etag'>): string {
  const { href } = new URL(base)
  if (!href.endsWith('/')) throw new TypeError(`base must be a URL that ends with a slash, got ${href}`)
  return `${href}${alias.split('/').map(encodeURIComponent).join('/')}?v=${encodeURIComponent(etag)}`
}
