import { isBrowser } from './is-browser.ts'

/**
 * Whether the `fetch` of this host takes an answer off the network only as fast as its body is read, so that an answer
 * of any length holds little memory. Node, Deno, Bun and workerd do. Of the browsers, WebKit keeps all that comes.
 */
export function readsOnDemand(): boolean {
  return !isBrowser()
}
