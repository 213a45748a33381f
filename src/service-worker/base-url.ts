import { checkUrl } from '../bytes/check-url.ts'
import { describeValue } from '../bytes/describe-value.ts'

/**
 * Checks the URL below which the entries appear.
 *
 * @throws {TypeError} if it is not absolute, does not end with a slash, or has a query or a fragment.
 */
export function checkBase(base: string | URL): URL {
  const url = checkUrl('base', base)
  if (url.pathname.endsWith('/') && url.search === '' && url.hash === '') return url
  throw new TypeError(`base must be a URL that ends with a slash, got ${describeValue(url.href)}`)
}
