import type { FetchResponder } from './fetch-responder.ts'

/** The part of a service worker's `FetchEvent` that is used here. */
export interface FetchEventLike {
  /** The request of the page. */
  readonly request: Request
  /** Id of the page or worker that the request comes from; empty if the request opens a page. */
  readonly clientId?: string
  /** Takes the answer. */
  respondWith(response: Promise<Response>): void
}

/**
 * Answers a fetch event if the request is for the responder; else leaves it to the browser.
 *
 * @returns whether it answers.
 * @throws {TypeError} if the event is not the FetchEvent of a service worker.
 * @example
 * ```ts
 * import { answerFetch, createFetchResponder } from 'combstream/service-worker'
 * import { LocalHive, StreamStore } from 'combstream'
 * import { memoryBackend } from 'combstream/backends/memory'
 *
 * const hive = new LocalHive(new StreamStore(memoryBackend()))
 * const respond = createFetchResponder(hive, { base: 'https://example.com/media/' })
 * addEventListener('fetch', (event) => answerFetch(event, respond))
 * ```
 */
export function answerFetch(event: Event | FetchEventLike, respond: FetchResponder): boolean {
  if (!isFetchEvent(event)) throw new TypeError('event must be the FetchEvent of a service worker')
  const answer = respond(event.request, event.clientId)
  if (answer) event.respondWith(answer)
  return answer !== undefined
}

function isFetchEvent(event: Event | FetchEventLike): event is FetchEventLike {
  return 'request' in event && 'respondWith' in event
}
