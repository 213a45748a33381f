let isServer: boolean | undefined

/**
 * Whether the `fetch` of this host takes an answer off the network only as fast as its body is read, so that an answer
 * of any length holds little memory. Node, Deno, Bun and workerd do. Of the browsers, WebKit keeps all that comes, and
 * nothing tells them apart but that they have header fields which a page may not set (Fetch standard, "forbidden
 * request-header").
 */
export function readsOnDemand(): boolean {
  isServer ??= new Request('http://localhost/', { headers: { Cookie: 'a=b' } }).headers.has('cookie')
  return isServer
}
