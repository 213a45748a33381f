import { checkUrl } from '../../bytes/check-url.ts'
import { describeValue } from '../../bytes/describe-value.ts'

/**
 * Checks a URL that is requested. In a page, it may be relative.
 *
 * @throws {TypeError} if it is not an http(s) URL, or has a user name or a password, which `fetch` refuses.
 */
export function checkHttpUrl(value: string | URL): URL {
  const here: Partial<Location> | undefined = globalThis.location
  const url = checkUrl('url', value, here?.href)
  if (!/^https?:$/.test(url.protocol)) {
    throw new TypeError(`url must be http or https, got ${describeValue(url.protocol)}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('url must not have a user name or a password: pass them in headers, as Authorization')
  }
  return url
}
