import { markHandled } from '../bytes/promises.ts'
import type { Hive } from '../hive/hive.ts'
import { answerFetch, type FetchEventLike } from './answer-fetch.ts'
import { createFetchResponder } from './fetch-responder.ts'
import { KeptFiles } from './kept-files.ts'
import {
  BASE_PARAMETER,
  type ClaimMessage,
  type DeliveryMessage,
  type FailureMessage,
  FILE_PARAMETER,
  HIVE_PARAMETER,
} from './worker-messages.ts'

interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void
}

interface FetchEvent extends ExtendableEvent, FetchEventLike {
  readonly clientId: string
}

interface MessageToWorker extends ExtendableEvent {
  readonly data: ClaimMessage | { readonly type?: unknown } | null
}

/** What is used of `ServiceWorkerGlobalScope`, which the library `dom` does not have. */
interface WorkerScope {
  readonly location: { readonly href: string }
  readonly clients: {
    claim(): Promise<void>
    get(id: string): Promise<{ postMessage(message: unknown): void } | undefined>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'message', listener: (event: MessageToWorker) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
}

/**
 * Makes this script a service worker that answers from a hive. `registerHiveWorker` registers it, and puts into its URL
 * which hive it answers from, below which URL, and which files it keeps. As a bundle it has no imports and exports, so it
 * works as a module and as a classic worker.
 *
 * @param hiveAt Makes the hive at a URL, or a function that opens it.
 */
export function startWorker(hiveAt: (url: URL) => Hive | (() => Promise<Hive>)): void {
  const scope = globalThis as unknown as WorkerScope
  const url = new URL(scope.location.href)
  /** The page that each request comes from. */
  const clientIds = new WeakMap<Request, string>()
  const tell = (request: Request, message: DeliveryMessage | FailureMessage): void => {
    // A page that has gone needs no news.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
    markHandled(scope.clients.get(clientIds.get(request) ?? '').then((client) => client?.postMessage(message)))
  }

  const base = parameter(url, BASE_PARAMETER)
  const files = new KeptFiles(`combstream:${base.pathname}`, url.searchParams.getAll(FILE_PARAMETER))
  const respond = createFetchResponder(hiveAt(parameter(url, HIVE_PARAMETER)), {
    base,
    onDelivery(delivery, request) {
      tell(request, { type: 'combstream:delivery', ...delivery })
    },
    onError(error, request) {
      const { name, message } = error as Error
      tell(request, { type: 'combstream:failure', path: new URL(request.url).pathname, name, message })
    },
  })

  // Versions of this script share nothing but files, which each fetches again, so a new one need not wait for the old one's
  // pages.
  scope.addEventListener('install', (event) => event.waitUntil(files.install().then(() => scope.skipWaiting())))
  scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
  scope.addEventListener('message', (event) => {
    if (event.data?.type === 'combstream:claim') event.waitUntil(scope.clients.claim())
  })
  scope.addEventListener('fetch', (event) => {
    clientIds.set(event.request, event.clientId)
    if (answerFetch(event, respond)) return
    const answer = files.answer(event.request)
    if (answer) event.respondWith(answer)
  })
}

function parameter({ href, searchParams }: URL, name: string): URL {
  const value = searchParams.get(name)
  if (value === null) throw new TypeError(`the URL of the service worker needs the parameter ${name}`)
  return new URL(value, href)
}
