let browser: boolean | undefined

/**
 * Whether this host is a browser. Nothing tells browsers from other hosts but that they have header fields which a page may
 * not set (Fetch standard, "forbidden request-header"). Found out at the first call, never at import.
 */
export function isBrowser(): boolean {
  browser ??= !new Request('http://localhost/', { headers: { Cookie: 'a=b' } }).headers.has('cookie')
  return browser
}
