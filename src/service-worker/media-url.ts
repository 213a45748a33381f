import type { EntryInfo } from '../hive/hive.ts'
import { checkBase } from './base-url.ts'

/**
 * The URL of one version of an entry, below the base that a service worker answers for. With it as the `src`, a
 * `<video>` never plays a mix of two versions.
 *
 * @throws {TypeError} if `base` is not absolute, does not end with a slash, or has a query or a fragment.
 * @example
 * ```ts
 * import { mediaUrl } from 'combstream/service-worker'
 *
 * console.log(mediaUrl('https://example.com/media/', { alias: 'a b.mp4', etag: '"x"' }))
 * // https://example.com/media/a%20b.mp4?v=%22x%22
 * ```
 */
export function mediaUrl(base: string | URL, { alias, etag }: Pick<EntryInfo, 'alias' | 'etag'>): string {
  const { href } = checkBase(base)
  return `${href}${alias.split('/').map(encodeURIComponent).join('/')}?v=${encodeURIComponent(etag)}`
}
