import { describeValue } from './describe-value.ts'

/**
 * Checks an argument that is a URL, as a text or as a URL of any realm; what is relative is resolved against `base`.
 *
 * @throws {TypeError} if it is not one.
 */
export function checkUrl(name: string, value: string | URL, base?: string): URL {
  const text: unknown = typeof value === 'string' ? value : (value as Partial<URL> | null | undefined)?.href
  if (typeof text !== 'string' || !URL.canParse(text, base)) {
    throw new TypeError(`${name} must be a URL, got ${describeValue(value)}`)
  }
  return new URL(text, base)
}
