import { checkInteger } from '../bytes/check-integer.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { abortable } from '../bytes/promises.ts'
import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type { EntryInfo } from '../hive/hive.ts'
import { checkMediaAhead } from './media-pace.ts'
import { mediaUrl } from './media-url.ts'
import { answerHold } from './watch-media.ts'
import { WorkerCache } from './worker-cache.ts'
import { WorkerCalls } from './worker-calls.ts'
import {
  AHEAD_PARAMETER,
  BASE_PARAMETER,
  CACHE_PARAMETER,
  type ClaimMessage,
  FILE_PARAMETER,
  HIVE_PARAMETER,
  type HoldMessage,
  TOKEN_PARAMETER,
} from './worker-messages.ts'

/** Options of {@linkcode registerHiveWorker}. */
export interface RegisterHiveWorkerOptions {
  /**
   * URL of the hive, relative to the page. With `dist/browser/browser-hive-worker.js`, `browser:NAME` is the hive in the
   * browser itself that `browserBackend('NAME')` opens; a name with other characters than letters and digits must be
   * percent-encoded, as by `encodeURIComponent`.
   */
  hive: string | URL
  /**
   * URL below which the entries appear, within the scope of the worker; resolved against that scope.
   * @default 'media/'
   */
  base?: string | undefined
  /**
   * The pages that the worker controls; see `ServiceWorkerContainer.register`.
   * @default the folder of the script
   */
  scope?: string | undefined
  /**
   * URLs of files of this origin, relative to the page, that the worker keeps, so that the page opens without a network:
   * the page itself, its scripts and styles. While there is a network, the server's files are used, and kept anew. The
   * worker does not start if it cannot get one of them. A file with a query is another file, except that a page also opens
   * with a query that is not listed.
   * @default []
   */
  files?: readonly (string | URL)[] | undefined
  /**
   * Keeps what is read, so that it plays again without a network; the script must be `dist/browser/cache-worker.js`. `bytes`
   * is the budget: see `cachedHive`. It belongs to the hive's URL: use the same one in all pages.
   * @default none
   */
  cache?: { bytes: number } | undefined
  /**
   * Number of bytes of one URL that the worker gives a `<video>` or `<audio>` of this page ahead of what it needs: while
   * it is paused, or has enough for half a minute. At least 1,000,000.
   * @default 8_000_000
   */
  mediaAhead?: number | undefined
  /**
   * Says with which token this page's requests are sent to the hive, as `Authorization: Bearer`, and, with a cache, whose
   * it is: what was fetched for one `principal` is never served to another. The worker calls it when a request needs it,
   * and once more after a 401. The token is never stored. Without a network, it should answer with the principal alone.
   * Only for the ready-made workers.
   * @default none
   */
  token?: (() => Promise<PageToken | string | undefined>) | undefined
  /** Ends the waiting; the worker may start all the same. */
  signal?: AbortSignal | undefined
}

/** The answer of a page that is asked for its token. */
export interface PageToken {
  /** The token; undefined for none. */
  token?: string | undefined
  /**
   * Whose access to the hive it is, such as the name of a user. With a cache, each token needs one.
   * @default ''
   */
  principal?: string | undefined
}

/** A service worker that answers for a hive. */
export interface HiveWorker {
  /** Its registration. */
  readonly registration: ServiceWorkerRegistration
  /** URL below which the entries appear. */
  readonly base: string
  /** The URL of one version of an entry: for the `src` of a `<video>`, `<audio>` or `<img>`. */
  url(entry: Pick<EntryInfo, 'alias' | 'etag'>): string
  /** Its cache. Calls reject with a TypeError if it has none; after half a minute, if the worker is not a ready-made one. */
  readonly cache: WorkerCache
  /**
   * Makes the worker ask for the token again, because another user has signed in. Requests that are sent after it has
   * resolved are made for that user. It rejects with the reason of the signal.
   *
   * @throws {TypeError} after half a minute, if the worker is not a ready-made one.
   */
  renew(options?: HiveCallOptions): Promise<void>
}

/**
 * Registers the ready-made service worker, a copy of `dist/browser/service-worker.js` on your own origin, and waits
 * until it answers for this page, even on the first visit, and after a forced reload, which bypasses service workers.
 *
 * A worker that was registered for another hive or base is replaced. Chromium lets it finish its answers first, which
 * can take minutes while a page plays a video through it: pass a `signal` to limit the wait. Calls of pages, such as pins,
 * go over to the new worker.
 *
 * A worker of your own must call `skipWaiting()` when it is installed, and `clients.claim()` when it is activated and at a
 * {@linkcode ClaimMessage}: otherwise this waits until the user closes the pages of its predecessor, or loads this one again.
 * It gets no token, and answers no calls: `renew` and the methods of `cache` reject with a TypeError after half a minute.
 *
 * @throws {TypeError} if there are no service workers here (they need https or localhost, and a window that is not
 *   private), if the page is outside the scope, if a file has another origin, or, after half a minute, if there is a
 *   `token` and the worker is not a ready-made one.
 * @throws {RangeError} if an option is out of its range.
 * @throws {Error} if the script cannot be loaded or fails; `cause` is the browser's own error.
 * @example
 * ```ts
 * import { HttpHive } from 'combstream/http'
 * import { registerHiveWorker } from 'combstream/service-worker'
 *
 * async function play(video: HTMLVideoElement, alias: string): Promise<void> {
 *   const worker = await registerHiveWorker('/service-worker.js', { hive: '/hive/' })
 *   video.src = worker.url(await new HttpHive('https://example.com/hive/').stat(alias))
 * }
 * ```
 */
export async function registerHiveWorker(
  script: string | URL,
  { hive, base = 'media/', scope, files = [], cache, mediaAhead, token, signal }: RegisterHiveWorkerOptions,
): Promise<HiveWorker> {
  const container: ServiceWorkerContainer | undefined = navigator.serviceWorker
  if (!container) throw new TypeError('there are no service workers here: they need https or localhost')
  const url = new URL(script, document.baseURI)
  const folder = new URL(scope ?? './', scope === undefined ? url : document.baseURI)
  const absoluteBase = new URL(base, folder).href
  url.searchParams.set(HIVE_PARAMETER, new URL(hive, document.baseURI).href)
  url.searchParams.set(BASE_PARAMETER, absoluteBase)
  for (const file of files) url.searchParams.append(FILE_PARAMETER, pathOf(new URL(file, document.baseURI)))
  if (cache) {
    const bytes = checkInteger('cache.bytes', cache.bytes, 0, Number.MAX_SAFE_INTEGER)
    url.searchParams.set(CACHE_PARAMETER, String(bytes))
  }
  if (mediaAhead !== undefined) url.searchParams.set(AHEAD_PARAMETER, String(checkMediaAhead(mediaAhead)))
  if (token) url.searchParams.set(TOKEN_PARAMETER, '')
  answerWith(container, token)

  signal?.throwIfAborted()
  const registering = register(container, url, folder.href)
  const registration = await (signal ? abortable(registering, signal) : registering)
  if (!location.href.startsWith(registration.scope)) {
    throw new TypeError(`the page ${location.href} is outside the scope ${registration.scope} of the service worker`)
  }
  // An active worker with these parameters will do: a successor would have to wait for its videos to end.
  const active = registration.active?.scriptURL === url.href ? registration.active : undefined
  const worker = active ?? registration.installing ?? registration.waiting ?? registration.active
  if (!worker) throw new Error(`the service worker ${url.href} was not installed`)
  await activated(worker, signal)
  await controlling(container, worker, signal)
  const calls = new WorkerCalls(container, registration)
  const renew: HiveWorker['renew'] = async (options) => void (await calls.send({ call: 'renew' }, options?.signal))
  if (token) await renew({ signal })
  return {
    registration,
    base: absoluteBase,
    url: (entry) => mediaUrl(absoluteBase, entry),
    cache: new WorkerCache(calls),
    renew,
  }
}

/** How pages answer their workers. A page that registers again answers with the last function. */
const answering = new WeakMap<ServiceWorkerContainer, { token: RegisterHiveWorkerOptions['token'] }>()

/** Answers the worker that asks for the token of this page, or what its media elements need. */
function answerWith(container: ServiceWorkerContainer, token: RegisterHiveWorkerOptions['token']): void {
  const known = answering.get(container)
  if (known) {
    known.token = token
    return
  }
  const current = { token }
  answering.set(container, current)
  container.addEventListener('message', ({ data, source, ports: [port] }: MessageEvent<{ type?: unknown } | null>) => {
    if (data?.type === 'combstream:hold' && source) answerHold(container, source, data as HoldMessage)
    if (data?.type !== 'combstream:identity' || !port) return
    Promise.resolve(current.token?.()).then(
      (given) => port.postMessage(typeof given === 'string' ? { token: given } : { ...given }),
      (error: unknown) => port.postMessage({ error: String((error as Error)?.message ?? error) }),
    )
  })
  container.startMessages()
}

function pathOf({ origin, href, pathname, search }: URL): string {
  if (origin !== location.origin) throw new TypeError(`a worker keeps only files of its own origin, not ${href}`)
  return pathname + search
}

async function register(
  container: ServiceWorkerContainer,
  url: URL,
  scope: string,
): Promise<ServiceWorkerRegistration> {
  try {
    return await container.register(url, { scope, type: 'module' })
  } catch (cause) {
    throw new Error(`the service worker ${url.pathname} cannot be registered: ${(cause as Error).message}`, { cause })
  }
}

function activated(worker: ServiceWorker, signal: AbortSignal | undefined): Promise<void> {
  return until(worker, 'statechange', signal, () => {
    if (worker.state === 'redundant') {
      throw new Error(`the service worker ${worker.scriptURL} failed to start, or one of its files cannot be had`)
    }
    return worker.state === 'activated'
  })
}

function controlling(
  container: ServiceWorkerContainer,
  worker: ServiceWorker,
  signal: AbortSignal | undefined,
): Promise<void> {
  const claim: ClaimMessage = { type: 'combstream:claim' }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
  if (container.controller?.scriptURL !== worker.scriptURL) worker.postMessage(claim)
  return until(container, 'controllerchange', signal, () => container.controller?.scriptURL === worker.scriptURL)
}

/** Waits until `done` returns true; it is called now and at each event. */
function until(
  target: EventTarget,
  event: string,
  signal: AbortSignal | undefined,
  done: () => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopListening = (): void => undefined
    const stop = (): void => {
      target.removeEventListener(event, check)
      stopListening()
    }
    const check = (): void => {
      try {
        if (!done()) return
        stop()
        resolve()
      } catch (error) {
        stop()
        reject(error)
      }
    }
    target.addEventListener(event, check)
    stopListening = onAbort([signal], (reason) => {
      stop()
      reject(reason)
    })
    if (!signal?.aborted) check()
  })
}
