import { markHandled } from '../../bytes/promises.ts'
import { FormatError } from '../../errors.ts'
import { checkAlias } from '../../hive/alias.ts'
import { checkBufferSize } from '../../hive/buffer-size.ts'
import { checkRename } from '../../hive/check-rename.ts'
import { checkConsistency } from '../../hive/consistency.ts'
import { etagOf } from '../../hive/entry-record.ts'
import { entryStream } from '../../hive/entry-stream.ts'
import type { HiveChange } from '../../hive/hive-change.ts'
import type { HiveCallOptions } from '../../hive/hive-call-options.ts'
import type {
  Consistency,
  EntriesOptions,
  Entry,
  EntryInfo,
  EntryList,
  EntrySink,
  Hive,
  ListedEntry,
  ListOptions,
  OpenOptions,
  PatchSinkOptions,
  RemoveOptions,
  RenameOptions,
  SinkOptions,
  WatchOptions,
} from '../../hive/hive.ts'
import { checkListOptions } from '../../hive/list-options.ts'
import { checkMediaType } from '../../hive/media-type.ts'
import { PinnedEntry } from '../../hive/pinned-entry.ts'
import { assertPrecondition, checkPrecondition, type Precondition } from '../../hive/precondition.ts'
import { digestInHeaders } from '../protocol/content-digest.ts'
import { entryFromHeaders, NEW_ALIAS_HEADER } from '../protocol/entry-headers.ts'
import { entryFromJson } from '../protocol/entry-json.ts'
import { DELTA_TYPE } from '../protocol/media-types.ts'
import { checkHttpUrl } from './check-http-url.ts'
import { checkValidate, type Validate } from './check-validate.ts'
import { HttpClient } from './http-client.ts'
import { HttpVersion } from './http-version.ts'
import { checkReadingOptions, type ReadingOptions } from './reading-options.ts'
import { assertAsked, listFromJson } from './received-list.ts'
import { sendsRequestStreams } from './request-streams.ts'
import { type SentUpload, requestSink } from './request-sink.ts'
import { watchStream } from './watch-hive.ts'
import type { WriteMethod } from './write-answer.ts'

/** Options of {@linkcode HttpHive}. */
export interface HttpHiveOptions extends ReadingOptions {
  /**
   * How a reader makes sure that all ranges are of one version. `if-match`: the server refuses a range of another
   * version. `compare`: the request asks for a plain range, for which a page needs no preflight, and only the answer is
   * compared. Answers are compared in both cases.
   * @default 'compare' in a page whose origin is not the hive's, else 'if-match'
   */
  validate?: 'if-match' | 'compare' | undefined
  /**
   * Whether the body of a request can be sent while it is being written. If not, an upload of at most 64 MiB is kept in
   * memory and sent when it is closed; while it is being sent, `fetch` may hold a second copy.
   * @default detected: true in Node, Deno, Bun and edge workers, false in browsers
   */
  requestStreams?: boolean | undefined
}

/** Room for 1,000 entries, each with the longest alias, escaped, and the longest type. */
const MAX_JSON_BYTES = 16 * 1024 * 1024

/**
 * A hive on a server that uses `createHiveHandler`, or that speaks the same protocol.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { createHiveHandler, HttpHive } from 'combstream/http'
 * import { memoryBackend } from 'combstream/backends/memory'
 *
 * const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())))
 * const hive = new HttpHive('http://localhost/', { fetch: (url, init) => handler(new Request(url, init)) })
 *
 * await new Blob(['buzz']).stream().pipeTo(hive.sink('bee.txt', { ifNoneMatch: '*' }))
 * const entry = await hive.open('bee.txt')
 * console.log(await new Response(entry.stream({ start: 1 })).text()) // 'uzz'
 * ```
 */
export class HttpHive implements Hive {
  /** The URL of the hive; it ends with `/`. */
  readonly url: string
  readonly #root: URL
  readonly #client: HttpClient
  readonly #options: HttpHiveOptions

  /**
   * Makes a hive from its URL; no request is sent. In a page, `url` may be relative.
   *
   * @throws {TypeError} if `url` is not an http(s) URL, or has a user name, a password, a query or a fragment, or an
   * option is of a wrong type.
   * @throws {RangeError} if a number among the options is out of its bounds.
   */
  constructor(url: string | URL, options: HttpHiveOptions = {}) {
    this.#root = rootOf(url)
    this.url = this.#root.href
    this.#options = options
    checkValidate(options.validate)
    this.#client = new HttpClient({ ...checkReadingOptions(options), root: this.#root })
  }

  /** See {@linkcode Hive.open}. */
  async open(alias: string, { bufferSize, consistency, signal }: OpenOptions = {}): Promise<Entry> {
    const checked = checkConsistency(consistency)
    const bytes = checkBufferSize(bufferSize)
    const response = await this.#head(alias, signal)
    const stated = digestInHeaders(response.headers)
    return this.#entry(entryFromHeaders(response, { alias }), bytes, checked, stated)
  }

  /** See {@linkcode Hive.stat}. */
  async stat(alias: string, { signal }: HiveCallOptions = {}): Promise<EntryInfo> {
    return entryFromHeaders(await this.#head(alias, signal), { alias })
  }

  /** See {@linkcode Hive.list}. */
  async list(options: ListOptions = {}): Promise<EntryList> {
    const { signal = new AbortController().signal } = options
    const { prefix, limit, after } = checkListOptions(options)
    const query = { prefix: prefix || undefined, after, limit: String(limit) }
    const response = await this.#client.read({ method: 'GET', url: this.#client.url('', query), signal })
    if (!response.ok) throw await this.#client.errorOf(response, {}, signal)
    const { status } = response
    const list = listFromJson(await this.#readJson(response, signal), status)
    assertAsked(list, { prefix, after, limit, status })
    return list
  }

  /** See {@linkcode Hive.entries}. */
  entries(options: EntriesOptions = {}): ReadableStream<ListedEntry> {
    return entryStream((page) => this.list(page), options)
  }

  /**
   * See {@linkcode Hive.watch}. The request is sent at once, and the stream begins when the server has received it. While
   * nobody reads, the server keeps the last 4,096 changes of the hive, or more. In a page, it occupies one of the six
   * connections that browsers have to a server without HTTP/2.
   */
  watch(options: WatchOptions = {}): ReadableStream<HiveChange> {
    return watchStream(this.#client, options)
  }

  /** See {@linkcode Hive.remove}. */
  async remove(alias: string, options: RemoveOptions = {}): Promise<void> {
    const { ifMatch, signal } = options
    checkAlias(alias)
    checkPrecondition({ ifMatch })
    await this.#change('DELETE', alias, ifMatch, {}, signal)
  }

  /** See {@linkcode Hive.rename}. */
  async rename(alias: string, to: string, options: RenameOptions = {}): Promise<void> {
    const { ifMatch, overwrite = false, signal } = options
    checkRename(alias, to, options)
    const headers = {
      Destination: new URL(this.#client.url(to)).pathname,
      [NEW_ALIAS_HEADER]: encodeURIComponent(to),
      Overwrite: overwrite ? 'T' : 'F',
    }
    await this.#change('MOVE', alias, ifMatch, headers, signal)
  }

  /** Sends a change that has no body. */
  async #change(
    method: 'DELETE' | 'MOVE',
    alias: string,
    ifMatch: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    const request = { method, url: this.#client.url(alias), headers: { ...conditions({ ifMatch }), ...headers } }
    const send = (given: AbortSignal): Promise<Response> => this.#client.send({ ...request, signal: given }, 'write')
    const response = await this.#client.withTimeout(signal, send, 'write')
    // A failed rename may be about either name: the answer says which.
    const named = method === 'MOVE' ? undefined : alias
    await this.#client.assertDone(method, response, { alias: named, expectedEtag: etagIn(ifMatch) }, signal)
    // The change is made, however the connection ends.
    markHandled(response.body?.cancel())
  }

  /** See {@linkcode Hive.sink}. */
  sink(alias: string, options: SinkOptions = {}): EntrySink {
    const { ifMatch, ifNoneMatch, signal } = options
    checkAlias(alias)
    checkPrecondition(options)
    const type = checkMediaType(options.type)
    return requestSink({
      ...this.#upload('PUT', alias, { ifMatch, ifNoneMatch }, type),
      signal,
      confirm: (digest, given) => this.#findStored(alias, { etag: etagOf(digest), type }, given),
      open: async (response, size) => {
        // The entry is stored, however the connection ends.
        markHandled(response.body?.cancel())
        return this.#entry(entryFromHeaders(response, { alias, size, type }))
      },
    })
  }

  /** See {@linkcode Hive.patchSink}. */
  patchSink(alias: string, { ifMatch = '*', signal }: PatchSinkOptions = {}): EntrySink {
    checkAlias(alias)
    checkPrecondition({ ifMatch })
    return requestSink({
      ...this.#upload('PATCH', alias, { ifMatch }, DELTA_TYPE),
      signal,
      open: async (response, _byteLength, given) =>
        this.#entry({ ...entryFromJson(await this.#readJson(response, given, 'write'), response.status), alias }),
    })
  }

  #upload(
    method: Exclude<WriteMethod, 'DELETE' | 'MOVE'>,
    alias: string,
    condition: Precondition,
    type: string,
  ): Omit<SentUpload, 'open' | 'signal'> {
    const client = this.#client
    const request = { alias, expectedEtag: etagIn(condition.ifMatch) }
    return {
      streams: this.#options.requestStreams ?? sendsRequestStreams(),
      check: async (signal) => {
        if (condition.ifMatch === undefined && condition.ifNoneMatch === undefined) return
        const current = await this.stat(alias, { signal }).catch((error: Error) => {
          if (error.name !== 'NotFoundError' || method === 'PATCH') throw error
        })
        assertPrecondition(alias, current?.etag, condition)
      },
      send: (body, signal) => {
        const headers = { ...conditions(condition), 'Content-Type': type }
        return client.send({ method, url: client.url(alias), headers, body: body as BodyInit, signal }, 'write')
      },
      assertAccepted: (response, signal) => client.assertDone(method, response, request, signal),
    }
  }

  /**
   * The entry, once it has this etag and type. It is looked up several times, since the server may still be storing it.
   * The etag alone may belong to an older version with the same bytes and another type.
   */
  async #findStored(
    alias: string,
    { etag, type }: Pick<EntryInfo, 'etag' | 'type'>,
    signal: AbortSignal,
  ): Promise<Entry | undefined> {
    // Header fields lose trailing spaces in transit.
    const sentType = type.trim()
    for (let attempts = 1; ; attempts++) {
      const info = await this.stat(alias, { signal }).catch((error: Error) => {
        if (error.name !== 'NotFoundError') throw error
      })
      if (info?.etag === etag && info.type.trim() === sentType) return this.#entry(info)
      if (!(await this.#client.waitForRetry(attempts, signal))) return undefined
    }
  }

  async #readJson(response: Response, signal: AbortSignal, write?: 'write'): Promise<unknown> {
    const text = await this.#client.readBody(response, MAX_JSON_BYTES, signal, write)
    try {
      return JSON.parse(new TextDecoder().decode(text))
    } catch (cause) {
      throw new FormatError('the answer is not JSON: is this a hive?', {
        reason: 'invalid',
        status: response.status,
        cause,
      })
    }
  }

  async #head(alias: string, signal: AbortSignal = new AbortController().signal): Promise<Response> {
    checkAlias(alias)
    const response = await this.#client.read({ method: 'HEAD', url: this.#client.url(alias), signal })
    if (!response.ok) throw await this.#client.errorOf(response, { alias }, signal)
    return response
  }

  #entry(
    info: EntryInfo,
    bufferSize: number = checkBufferSize(),
    consistency: Consistency = 'conflict',
    stated?: Uint8Array,
  ): Entry {
    const { verify = 'whole', validate = this.#validate() } = this.#options
    const options = { consistency, ifMatch: validate === 'if-match', stated, verify }
    return new PinnedEntry(new HttpVersion(this, this.#client, info, options), bufferSize)
  }

  #validate(): Validate {
    const here: Partial<Location> | undefined = globalThis.location
    return here?.origin === undefined || here.origin === this.#root.origin ? 'if-match' : 'compare'
  }
}

function rootOf(url: string | URL): URL {
  const root = checkHttpUrl(url)
  if (root.search !== '' || root.hash !== '') throw new TypeError('url must not have a query or a fragment')
  if (!root.pathname.endsWith('/')) root.pathname += '/'
  return root
}

function conditions({ ifMatch, ifNoneMatch }: Precondition): Record<string, string> {
  return { ...(ifMatch && { 'If-Match': ifMatch }), ...(ifNoneMatch && { 'If-None-Match': ifNoneMatch }) }
}

function etagIn(ifMatch: string | undefined): string | undefined {
  return ifMatch === '*' ? undefined : ifMatch
}
