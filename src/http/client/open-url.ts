import { checkBufferSize } from '../../hive/buffer-size.ts'
import { checkConsistency } from '../../hive/consistency.ts'
import type { Entry, OpenOptions } from '../../hive/hive.ts'
import { PinnedEntry } from '../../hive/pinned-entry.ts'
import { checkHttpUrl } from './check-http-url.ts'
import { checkValidate } from './check-validate.ts'
import { describeUrl } from './describe-url.ts'
import { HttpClient } from './http-client.ts'
import { checkReadingOptions, type ReadingOptions } from './reading-options.ts'
import { UrlVersion } from './url-version.ts'

/** Options of {@linkcode openUrl}. */
export interface OpenUrlOptions extends ReadingOptions, OpenOptions {
  /**
   * How a reader makes sure that all ranges are of one version. `compare`: the request asks for a plain range, which a
   * CDN can answer from its cache, and for which a page needs no preflight. `if-match`: the request also asks the server to
   * refuse a range of another version. Answers are compared in both cases.
   * @default 'compare'
   */
  validate?: 'if-match' | 'compare' | undefined
}

/**
 * Opens a file on any server that has ranges and strong etags, such as nginx, an object store or a CDN. The entry is
 * pinned to the version that the file has now: it is read progressively and sought in, each answer is compared with that
 * version, and after a failure of the network it goes on at the same byte.
 *
 * The name of the entry, `alias`, is the URL without its query and fragment; `etag` is the server's. Its signature is
 * computed here, from all of its bytes. With `consistency: 'snapshot'`, a stream requests all of its bytes at once. It
 * survives an update if the server goes on sending the old version, and the connection holds.
 *
 * Redirects are followed, anew for each request. An answer that belongs to another version is never mixed in. Bytes that
 * were changed on the way, or on a server that kept the etag, are noticed only if the server sends the digest of the whole
 * (`Repr-Digest: sha-256=…`, RFC 9530), and the file is read from beginning to end.
 *
 * @throws {NotFoundError} if the file does not exist.
 * @throws {AccessError} if the server refuses access.
 * @throws {FormatError} if the server does not tell the size and a strong etag, or its answers are compressed; the
 *   message says what is missing.
 * @throws {BackendError} if the server does not answer.
 * @throws {TypeError} if `url` is not an http(s) URL or has a user name or a password, or an option is of a wrong type.
 * @throws {RangeError} if a number among the options is out of its bounds.
 * @example
 * ```ts
 * import { createHiveHandler, LocalHive, openUrl, StreamStore } from 'combstream'
 * import { memoryBackend } from 'combstream/backends/memory'
 *
 * // Stands for a server on the network: without `fetch`, the global one is used.
 * const hive = new LocalHive(new StreamStore(memoryBackend()))
 * await new Blob(['buzz']).stream().pipeTo(hive.sink('bee.txt'))
 * const handler = createHiveHandler(hive)
 *
 * const entry = await openUrl('https://example.com/bee.txt', { fetch: (url, init) => handler(new Request(url, init)) })
 * console.log(entry.size, await new Response(entry.stream({ start: 1 })).text()) // 4 'uzz'
 * ```
 */
export async function openUrl(url: string | URL, options: OpenUrlOptions = {}): Promise<Entry> {
  const target = checkHttpUrl(url)
  const consistency = checkConsistency(options.consistency)
  const bufferSize = checkBufferSize(options.bufferSize)
  const ifMatch = checkValidate(options.validate) === 'if-match'
  const reading = checkReadingOptions(options)
  if (reading.verify === true) throw new TypeError('verify: true is for hives: this server has no digests of blocks')
  const client = new HttpClient({ ...reading, root: target })
  const settings = { consistency, ifMatch, verify: reading.verify === 'whole' }
  const { signal = new AbortController().signal } = options

  target.hash = ''
  const { origin, pathname, href } = target
  // A query may hold a signature, which does not belong in messages.
  const version = await describeUrl({ client, url: href, alias: origin + pathname, signal })
  // A relative URL is that of the page where it was opened.
  const reopen = (changed: OpenOptions): Promise<Entry> => openUrl(href, { ...options, ...changed })
  const source = new UrlVersion(version, { ...settings, client, url: href, reopen })
  return new PinnedEntry(source, bufferSize)
}
