// The ready-made service worker: `registerHiveWorker` registers it, and puts into its URL which hive it answers from and
// below which URL. As a bundle it has no imports and exports, so it works as a module and as a classic worker.
import { markHandled } from '../bytes/promises.ts'
import { HttpHive } from '../http/client/http-hive.ts'
import { answerFetch, type FetchEventLike } from '../service-worker/answer-fetch.ts'
import { createFetchResponder } from '../service-worker/fetch-responder.ts'
import {
  BASE_PARAMETER,
  type ClaimMessage,
  type DeliveryMessage,
  type FailureMessage,
  HIVE_PARAMETER,
} from '../service-worker/worker-messages.ts'

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

const scope = globalThis as unknown as WorkerScope
const { href } = scope.location
/** The page that each request comes from. */
const clientIds = new WeakMap<Request, string>()

const respond = createFetchResponder(new HttpHive(parameter(HIVE_PARAMETER)), {
  base: parameter(BASE_PARAMETER),
  onDelivery(delivery, request) {
    tell(request, { type: 'combstream:delivery', ...delivery })
  },
  onError(error, request) {
    const { name, message } = error as Error
    tell(request, { type: 'combstream:failure', path: new URL(request.url).pathname, name, message })
  },
})

// Nothing is kept from one version of this script to the next, so a new one need not wait for the old one's pages.
scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()))
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
scope.addEventListener('message', (event) => {
  if (event.data?.type === 'combstream:claim') event.waitUntil(scope.clients.claim())
})
scope.addEventListener('fetch', (event) => {
  clientIds.set(event.request, event.clientId)
  answerFetch(event, respond)
})

function parameter(name: string): URL {
  const value = new URL(href).searchParams.get(name)
  if (value === null) throw new TypeError(`the URL of the service worker needs the parameter ${name}`)
  return new URL(value, href)
}

function tell(request: Request, message: DeliveryMessage | FailureMessage): void {
  // A page that has gone needs no news.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
  markHandled(scope.clients.get(clientIds.get(request) ?? '').then((client) => client?.postMessage(message)))
}
