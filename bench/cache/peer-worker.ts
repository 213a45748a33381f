// The peer of the cache worker: a service worker that answers with what Cache Storage has.
interface Worker {
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
  addEventListener(type: string, listener: (event: WorkerEvent) => void): void
}

interface WorkerEvent {
  readonly request: Request
  waitUntil(promise: Promise<unknown>): void
  respondWith(answer: Promise<Response>): void
}

const worker = globalThis as unknown as Worker

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()))
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()))
worker.addEventListener('fetch', (event) => {
  if (!event.request.url.endsWith('/kept')) return
  event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)))
})
