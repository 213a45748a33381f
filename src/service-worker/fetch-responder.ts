import { byteStream } from '../bytes/byte-stream.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled, nextTask } from '../bytes/promises.ts'
import { checkBase } from './base-url.ts'
import { checkBufferSize } from '../hive/buffer-size.ts'
import { openConfirmed, type Opening } from '../cache/open-confirmed.ts'
import type { Entry, Hive } from '../hive/hive.ts'
import { type Answer, type BegunAnswer, unread } from '../http/server/answer.ts'
import { hiveHandler } from '../http/server/handler.ts'
import { parseContentRange } from '../representation/range-header.ts'
import { isLost } from './is-lost.ts'
import { checkMediaAhead, MediaBudgets, type MediaPace } from './media-pace.ts'
import { VersionPins } from './version-pins.ts'

/** Bytes of an entry that the browser has taken from a service worker. */
export interface Delivery {
  /** Name of the entry. */
  readonly alias: string
  /** Strong validator of the version that the bytes belong to, quotes included. */
  readonly etag: string
  /** Number of bytes of the version. */
  readonly size: number
  /** Offset of the first byte. */
  readonly start: number
  /** Offset after the last byte. */
  readonly end: number
}

/** Options of {@linkcode createFetchResponder}. */
export interface FetchResponderOptions {
  /** Absolute URL, with a slash at its end, below which the entries appear: `new URL('/media/', location.href)`. */
  base: string | URL
  /**
   * Largest number of bytes between two checks of the version, and of one request over the network: 1,024 to
   * 10,485,760. A paused `<video>` may hold the connection of one such request.
   * @default 1_000_000
   */
  bufferSize?: number | undefined
  /**
   * Number of bytes that a page's `<video>` or `<audio>` may take of one URL before `untilNeeded` is called; at least
   * 1,000,000.
   * @default 8_000_000
   */
  mediaAhead?: number | undefined
  /**
   * Bounds what a `<video>` or `<audio>` takes while it is paused, since WebKit takes everything. It is called each time
   * that a page has taken `mediaAhead` bytes of one URL, by however many requests. The body waits for the promise: with
   * true, the page may take as many bytes again; with false, all the rest. If it rejects, the body fails. The signal
   * aborts when the browser gives up the body.
   * @default never waits
   */
  untilNeeded?: ((request: Request, signal: AbortSignal) => Promise<boolean>) | undefined
  /**
   * Called for each chunk that the browser takes, so that a page can show progress; once, when it begins, for a range from a
   * cache that the browser sends itself.
   */
  onDelivery?: ((delivery: Delivery, request: Request) => void) | undefined
  /**
   * Called for each failure that the browser sees as a 5xx or as a body that breaks off; with a `ConflictError` if the
   * entry was updated in the meantime.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined
}

/**
 * Answers a request for an entry. It returns undefined if the request is not one, and the browser should handle it. It
 * decides synchronously, since `respondWith` must be called synchronously. `clientId` is that of the FetchEvent: the page
 * or worker that the request comes from.
 */
export type FetchResponder = (request: Request, clientId?: string) => Promise<Response> | undefined

/**
 * The default size of a store's blocks. With the default of a reader, a stream over HTTP makes its ranges as large as
 * 16 MB. While a `<video>` is paused, what is left of a range waits in its connection, and a browser has six of them.
 */
const BUFFER_BYTES = 1_000_000

/**
 * Answers the fetch events of a service worker from a hive, so that `<video src="/media/bunny.mp4">` plays an entry
 * while it is being downloaded: `GET` and `HEAD` of URLs below `base`.
 *
 * It meets the different needs of Chromium, Firefox and WebKit for playing and seeking: a request with `Range` gets a
 * 206 with exactly that range, one without gets a 200 with the whole, always with `Content-Length` and a concrete
 * total. When the browser cancels a body, the hive's stream is cancelled at once. A body never ends short; it fails
 * instead.
 *
 * Browsers do not notice when an entry changes between two ranges: they play a mix. So let the URL of a `<video>` pin a
 * version, as {@linkcode mediaUrl} does. Once that version is no longer current, the answer is 412 (another version) or
 * 410 (removed), the `<video>` fires `error`, and the page can open the entry again. A URL without a version is pinned by
 * the client's last request from byte 0: later ranges get the version of that answer, or 412 or 410. Up to 1,000 of these
 * pins are kept, until the browser ends the worker.
 *
 * @param hive The hive, or a function that opens it. A service worker must listen for fetch events before it can await
 *   anything, so a hive in the browser is opened by the first request; if that fails, by the next one. It is opened again
 *   once it fails with a `BackendError` that is not retryable, as it does after a page has deleted it.
 * @throws {TypeError} if `base` is not absolute, or does not end with a slash.
 * @throws {RangeError} if `bufferSize` is not from 1 KiB to 10 MiB, or `mediaAhead` is less than 1,000,000.
 * @example
 * ```ts
 * import { HttpHive } from 'combstream/http'
 * import { answerFetch, createFetchResponder } from 'combstream/service-worker'
 *
 * // `self` and `location.href` are those of a service worker.
 * const respond = createFetchResponder(new HttpHive('https://example.com/hive/'), {
 *   base: 'https://example.com/media/',
 * })
 * addEventListener('fetch', (event) => answerFetch(event, respond))
 * ```
 */
export function createFetchResponder(
  hive: Hive | (() => Promise<Hive>),
  options: FetchResponderOptions,
): FetchResponder {
  return pinningResponder(hive, options, new VersionPins())
}

/** The same, with pins that several responders share, so that they outlive each of them. */
export function pinningResponder(
  hive: Hive | (() => Promise<Hive>),
  options: FetchResponderOptions,
  pins: VersionPins,
): FetchResponder {
  const base = checkBase(options.base)
  const { bufferSize = BUFFER_BYTES, untilNeeded, onDelivery, onError } = options
  checkBufferSize(bufferSize)
  const budgets = new MediaBudgets(checkMediaAhead(options.mediaAhead))
  // A worker does not learn that the browser has given up a request unless a body is cancelled. So the answer, with its
  // body, is given at once.
  const source: HiveSource =
    typeof hive === 'function' ? reopening(hive) : { use: (work) => work(hive), opened: () => hive }
  const opening = { bufferSize, consistency: 'conflict' } as const
  /** Opens a version that the hive has named as the current one; undefined if it has not. */
  const openNamed: OpenNamed = (path, etag) => {
    const opened = source.opened()
    const alias = opened && decoded(path)
    return alias === undefined ? undefined : openConfirmed(opened!, alias, etag, opening)
  }
  /** Number of bytes of the answers that the browser sends itself. */
  const blobs = new WeakMap<Request, number>()
  const beginBody = (answer: Answer, request: Request): BegunAnswer => {
    if (answer.body instanceof Blob) blobs.set(request, answer.body.size)
    return unread(answer)
  }
  // A player gives up bodies, and is told when its entry is replaced: its bytes go through the worker, which counts them.
  const handle = hiveHandler(
    conflicting(source.use, opening),
    { base: base.pathname, onError },
    { beginBody, takesBlob: (request) => !isMedia(request) },
  )
  return (request, clientId = '') => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    // Service workers see the requests of their pages to other origins too.
    const url = new URL(request.url)
    if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return undefined
    if (url.pathname === base.pathname) return undefined
    const path = url.pathname.slice(base.pathname.length)
    const version = url.searchParams.get('v') ?? undefined
    // Opened first: what it reads arrives while the rest of the answer is made.
    const named = version === undefined ? undefined : openNamed(path, version)
    const answer: Handle = (pin) =>
      handle(request, pin, named ?? (pin === undefined ? undefined : openNamed(path, pin)))
    return pinned(pins, clientId, request, url, answer).then((response) => {
      const blobBytes = blobs.get(request)
      if (blobBytes === undefined && (!response.body || !response.ok)) return response
      // The bytes of a signature or a manifest are not bytes of its entry.
      const isEntry = !url.searchParams.has('signature') && !url.searchParams.has('manifest')
      const tells = onDelivery && isEntry
      const deliver = tells && deliveryOf(response.headers, path, (delivery) => onDelivery(delivery, request))
      if (blobBytes !== undefined) {
        if (deliver) deliver(blobBytes)
        return response
      }
      const { status, headers } = response
      const pace =
        isMedia(request) && untilNeeded && budgets.paceOf(clientId, url.href, (signal) => untilNeeded(request, signal))
      return new Response(passedOn(response.body!, deliver, pace), { status, headers })
    })
  }
}

function isMedia({ destination }: Request): boolean {
  return destination === 'video' || destination === 'audio'
}

/** Handles the request. With a version, it is answered as if the URL pinned that. */
type Handle = (version?: string) => Promise<Response>

/** Opens the version with this etag of the entry at this path, if that needs no waiting. */
type OpenNamed = (path: string, etag: string) => Entry | undefined

/** Answers with the version that the client began to read at this URL. */
async function pinned(
  pins: VersionPins,
  clientId: string,
  request: Request,
  { href, searchParams }: URL,
  handle: Handle,
): Promise<Response> {
  const isOther = ['v', 'signature', 'manifest'].some((name) => searchParams.has(name))
  if (clientId === '' || isOther || request.method !== 'GET') return handle()
  if (isFromStart(request.headers.get('range'))) return pins.begin(clientId, href, handle)
  return handle(await pins.find(clientId, href))
}

/** Whether a Range header asks for byte 0 first, in whatever spelling, or is one that is answered with the whole. */
function isFromStart(range: string | null): boolean {
  const first = /^bytes=[\s,]*(\d*)-/i.exec(range ?? '')?.[1]
  return first === undefined || /^0+$/.test(first)
}

/** Decodes a path; undefined if it is not percent-encoded UTF-8. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Runs `work` with the hive. */
type UseHive = <T>(work: (hive: Hive) => Promise<T>) => Promise<T>

/** Where a responder gets its hive. */
interface HiveSource {
  readonly use: UseHive
  /** The hive, if it is open. */
  opened(): Hive | undefined
}

/**
 * Calls `open` once, and again after it has failed, or once its hive fails for good: a page may have deleted that hive,
 * and begun another one of the same name.
 */
function reopening(open: () => Promise<Hive>): HiveSource {
  let opening: Promise<Hive> | undefined
  let opened: Hive | undefined
  const attempt: UseHive = async (work) => {
    const current = (opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    }))
    try {
      const hive = await current
      if (opening === current) opened = hive
      return await work(hive)
    } catch (error) {
      if (opening === current && isLost(error)) opening = opened = undefined
      throw error
    }
  }
  const use: UseHive = async (work) => {
    const isReused = opening !== undefined
    try {
      return await attempt(work)
    } catch (error) {
      if (!isReused || !isLost(error)) throw error
      return attempt(work)
    }
  }
  return { use, opened: () => opened }
}

/**
 * The same hive, but its entries are read buffer by buffer, and fail once they are updated. The handler asks for
 * snapshots, which an `HttpHive` reads in one request: a paused `<video>` would hold one of the browser's six
 * connections. Requests for entries need no other methods than these.
 */
function conflicting(use: UseHive, opening: Opening): Hive {
  return {
    open: (alias, options) =>
      use(async (hive) => {
        const entry: Entry & { readonly stale?: boolean } = await hive.open(alias, { ...options, ...opening })
        // The version that the hive has just named need not be asked for again.
        return (!entry.stale && openConfirmed(hive, alias, entry.etag, opening)) || entry
      }),
    stat: (alias, options) => use((hive) => hive.stat(alias, options)),
    list: onlyReads,
    entries: onlyReads,
    watch: onlyReads,
    remove: onlyReads,
    rename: onlyReads,
    sink: onlyReads,
    patchSink: onlyReads,
  }
}

function onlyReads(): never {
  throw new TypeError('a service worker only reads entries')
}

/** Makes a function that reports the chunks of an answer to `onDelivery`, one after the other. */
function deliveryOf(
  headers: Headers,
  path: string,
  onDelivery: (delivery: Delivery) => void,
): (byteLength: number) => void {
  const range = parseContentRange(headers.get('content-range'))
  const alias = decodeURIComponent(path)
  const size = range?.total ?? Number(headers.get('content-length'))
  const etag = headers.get('etag') ?? ''
  let start = range?.start ?? 0
  return (byteLength) => {
    const end = start + byteLength
    onDelivery({ alias, etag, size, start, end })
    start = end
  }
}

/** Passes the body on, as far as `pace` allows, and reports each chunk that the browser takes. */
function passedOn(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  deliver: ((byteLength: number) => void) | false | undefined,
  pace: MediaPace | false | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = new ChunkReader(body)
  return byteStream({
    async next() {
      if (pace) {
        try {
          await pace.room()
        } catch (error) {
          markHandled(chunks.cancel(error))
          throw error
        }
      }
      const chunk = await chunks.read()
      if (pace) pace.count(chunk?.byteLength ?? 0)
      if (chunk && deliver) deliver(chunk.byteLength)
      return chunk as Uint8Array<ArrayBuffer> | undefined
    },
    async cancel(reason) {
      // WebKit holds a lock while it cancels the body of a service worker. If a fetch is aborted then, from the
      // listener of another signal, it waits for that lock, and the worker never runs again.
      await nextTask()
      if (pace) pace.stop(reason)
      await chunks.cancel(reason)
    },
  })
}
