import { describeValue } from './describe-value.ts'

/**
 * Checks an argument that is a URL: a string, or a URL object of any realm. A relative URL is resolved against `base`.
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
