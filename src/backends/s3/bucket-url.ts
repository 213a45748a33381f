import { checkUrl } from '../../bytes/check-url.ts'
import { describeValue } from '../../bytes/describe-value.ts'

/** Leaves 200 characters for a name, and what is between them; the whole key may have 1,024. */
const MAX_PREFIX_CHARACTERS = 800
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/
const PREFIX = /^[\w.-]+(\/[\w.-]+)*\/?$/

/** Where a bucket is. */
export interface BucketPlace {
  readonly endpoint: string | URL
  readonly bucket: string
  readonly addressing: 'path' | 'virtual-host'
}

/**
 * The URL of a bucket, with a slash at its end.
 *
 * @throws {TypeError} if an option is not what it must be.
 */
export function bucketUrl({ endpoint, bucket, addressing }: BucketPlace): URL {
  // Not quoted: it may have a password in it.
  if (typeof endpoint === 'string' && !URL.canParse(endpoint)) throw new TypeError('endpoint must be a URL')
  const url = checkUrl('endpoint', endpoint)
  if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError('endpoint must be an http(s) URL without a user name, a query or a fragment')
  }
  if (typeof bucket !== 'string' || !BUCKET.test(bucket)) {
    throw new TypeError(`bucket must be the name of a bucket, got ${describeValue(bucket)}`)
  }
  if (addressing !== 'path' && addressing !== 'virtual-host') {
    throw new TypeError(`addressing must be "path" or "virtual-host", got ${describeValue(addressing)}`)
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  if (addressing === 'path') return new URL(`${bucket}/`, url)
  const text = `${url.protocol}//${bucket}.${url.host}${url.pathname}`
  if (!URL.canParse(text)) throw new TypeError(`${bucket} cannot be a part of the host name ${url.host}`)
  return new URL(text)
}

/**
 * What all keys begin with: nothing, or a path with a slash at its end.
 *
 * @throws {TypeError} if it is anything else.
 */
export function checkPrefix(prefix: string): string {
  if (prefix === '') return prefix
  const isPath = typeof prefix === 'string' && prefix.length <= MAX_PREFIX_CHARACTERS && PREFIX.test(prefix)
  if (!isPath || prefix.split('/').some((segment) => segment === '.' || segment === '..')) {
    const kind = 'a path of letters, digits, "-", "_" and "."'
    throw new TypeError(`prefix must be ${kind}, got ${describeValue(prefix)}`)
  }
  return prefix.endsWith('/') ? prefix : `${prefix}/`
}
