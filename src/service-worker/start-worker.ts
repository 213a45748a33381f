import { markHandled } from '../bytes/promises.ts'
import type { Hive } from '../hive/hive.ts'
import type { HttpHiveOptions } from '../http/client/http-hive.ts'
import { systemHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { answerFetch, type FetchEventLike } from './answer-fetch.ts'
import { KeptFiles } from './kept-files.ts'
import { MediaHolds } from './media-holds.ts'
import { OfflineSwitch } from './offline-switch.ts'
import { answerPageCall, readPageCall } from './page-calls.ts'
import { PageHives } from './page-hives.ts'
import { PageIdentities, type WorkerClient, type WorkerClients } from './page-identities.ts'
import {
  AHEAD_PARAMETER,
  BASE_PARAMETER,
  type CacheFailureMessage,
  CACHE_PARAMETER,
  type DeliveryMessage,
  type FailureMessage,
  FILE_PARAMETER,
  HIVE_PARAMETER,
  type LostMessage,
  TOKEN_PARAMETER,
} from './worker-messages.ts'

interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void
}

interface FetchEvent extends ExtendableEvent, FetchEventLike {
  readonly clientId: string
}

interface MessageToWorker extends ExtendableEvent {
  readonly data: { readonly type?: unknown; readonly id?: unknown; readonly answer?: unknown } | null
  readonly ports: readonly MessagePort[]
  readonly source: { readonly id: string; postMessage(message: unknown): void } | null
}

/** What is used of `ServiceWorkerGlobalScope`, which the library `dom` does not have. */
interface WorkerScope {
  readonly location: { readonly href: string }
  readonly clients: WorkerClients & { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'message', listener: (event: MessageToWorker) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
}

/** What a script brings to its service worker. */
export interface WorkerParts {
  /** Makes the hive at a URL, or a function that opens it. */
  hiveAt(url: URL, options: HttpHiveOptions): Hive | (() => Promise<Hive>)
  /**
   * Opens the store of the cache.
   * @default the worker has no cache
   */
  openStore?(): Promise<StreamStore>
}

/**
 * When the page of a request is told of it, in milliseconds: a message that a page handles while it waits for the first bytes
 * would delay these.
 */
const TELL_AFTER_MS = 50
/** Most calls of pages at a time. */
const MAX_CALLS = 1_000

/**
 * Makes this script a service worker that answers from a hive. `registerHiveWorker` registers it, and puts into its URL
 * which hive it answers from, below which URL, and which files it keeps. It must be registered as a module: it finds the
 * scripts of its own workers by `import.meta`.
 */
export function startWorker({ hiveAt, openStore }: WorkerParts): void {
  const scope = globalThis as unknown as WorkerScope
  const url = new URL(scope.location.href)
  /** Id of the page that each request comes from. */
  const clientIds = new WeakMap<Request, string>()
  const pages = new WeakMap<Request, Promise<WorkerClient | undefined>>()
  /** The page that a request comes from; resolves some time after it was first asked for. */
  const pageOf = (request: Request): Promise<WorkerClient | undefined> => {
    let page = pages.get(request)
    if (!page) {
      const clientId = clientIds.get(request) ?? ''
      page =
        clientId === ''
          ? Promise.resolve(undefined)
          : systemHost.sleep(TELL_AFTER_MS).then(() => scope.clients.get(clientId))
      pages.set(request, page)
    }
    return page
  }
  const tell = (request: Request, message: DeliveryMessage | FailureMessage): void => {
    // A page that has gone needs no news.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
    markHandled(pageOf(request).then((page) => page?.postMessage(message)))
  }

  const tellAll = async ({ name, message }: Error): Promise<void> => {
    for (const page of await scope.clients.matchAll()) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
      page.postMessage({ type: 'combstream:cache-failure', name, message } satisfies CacheFailureMessage)
    }
  }

  const base = parameter(url, BASE_PARAMETER)
  const files = new KeptFiles(`combstream:${base.pathname}`, url.searchParams.getAll(FILE_PARAMETER))
  const hiveUrl = parameter(url, HIVE_PARAMETER)
  const cache = cacheOf(url, base, openStore)
  const identities = url.searchParams.has(TOKEN_PARAMETER)
    ? new PageIdentities(scope.clients, { needsPrincipal: cache !== undefined })
    : undefined
  const holds = new MediaHolds(scope.clients)
  const ahead = url.searchParams.get(AHEAD_PARAMETER)
  const hives = new PageHives({
    hiveAt: (options) => hiveAt(hiveUrl, options),
    name: hiveUrl.href,
    cache,
    identities,
    onCacheError: (error) => markHandled(tellAll(error as Error)),
    responder: {
      base,
      mediaAhead: ahead === null ? undefined : Number(ahead),
      untilNeeded: async (request, signal) => holds.untilNeeded(await pageOf(request), request.url, signal),
      onDelivery(delivery, request) {
        tell(request, { type: 'combstream:delivery', ...delivery })
      },
      onError(error, request) {
        const { name, message } = error as Error
        tell(request, { type: 'combstream:failure', path: new URL(request.url).pathname, name, message })
      },
    },
  })
  const calls = new Set<string>()
  const call = async ({ data, ports: [port], source }: MessageToWorker): Promise<void> => {
    const { id } = data as { id?: unknown }
    if (!port || typeof id !== 'string' || calls.size >= MAX_CALLS) return
    calls.add(id)
    try {
      await answerPageCall(readPageCall(data), port, {
        use: (work) => hives.useCache(source?.id ?? '', work),
        statistics: () => ({ ...hives.statistics(), offline: cache?.offline.value ?? false }),
        async setOffline(offline) {
          if (!cache) throw new TypeError('this service worker has no cache: register it with the option cache')
          await cache.offline.set(offline)
          hives.forgetAll()
        },
        renew() {
          // It is not known which requests of workers and of no page belong to the page that has another user now.
          identities?.forgetAll()
          hives.forgetAll()
        },
      })
    } finally {
      calls.delete(id)
    }
  }

  // Versions of this script share nothing but files, which each fetches again, so a new one need not wait for the old one's
  // pages.
  scope.addEventListener('install', (event) => event.waitUntil(files.install().then(() => scope.skipWaiting())))
  scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
  scope.addEventListener('message', (event) => {
    const { data, source } = event
    switch (data?.type) {
      case 'combstream:claim':
        return event.waitUntil(scope.clients.claim())
      case 'combstream:call':
        return event.waitUntil(call(event))
      case 'combstream:need':
        return holds.answer(String(data.id), data.answer)
      case 'combstream:alive':
        if (typeof data.id !== 'string' || calls.has(data.id) || holds.has(data.id)) return
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
        source?.postMessage({ type: 'combstream:lost', id: data.id } satisfies LostMessage)
    }
  })
  scope.addEventListener('fetch', (event) => {
    clientIds.set(event.request, event.clientId)
    if (answerFetch(event, hives.responderOf(event.clientId))) return
    const answer = files.answer(event.request)
    if (answer) event.respondWith(answer)
  })
}

/** What the parameters in the URL of the script say of the cache. */
function cacheOf(
  { searchParams }: URL,
  base: URL,
  openStore: WorkerParts['openStore'],
): { bytes: number; openStore(): Promise<StreamStore>; offline: OfflineSwitch } | undefined {
  const bytes = searchParams.get(CACHE_PARAMETER)
  if (bytes === null) return undefined
  if (!openStore) throw new TypeError('this script has no cache: use dist/browser/cache-worker.js')
  return { bytes: Number(bytes), openStore, offline: new OfflineSwitch(`combstream-offline:${base.pathname}`) }
}

function parameter({ href, searchParams }: URL, name: string): URL {
  const value = searchParams.get(name)
  if (value === null) throw new TypeError(`the URL of the service worker needs the parameter ${name}`)
  return new URL(value, href)
}
