/**
 * Hives behind the URLs of a page: a service worker that answers fetch events from a hive, and the page's side of it.
 *
 * @module
 */
export * from './errors.ts'
export { answerFetch, type FetchEventLike } from './service-worker/answer-fetch.ts'
export {
  createFetchResponder,
  type Delivery,
  type FetchResponder,
  type FetchResponderOptions,
} from './service-worker/fetch-responder.ts'
export { mediaUrl } from './service-worker/media-url.ts'
export {
  type HiveWorker,
  type PageToken,
  registerHiveWorker,
  type RegisterHiveWorkerOptions,
} from './service-worker/register-hive-worker.ts'
export type { WorkerCacheUsage } from './service-worker/page-calls.ts'
export type { WorkerCache } from './service-worker/worker-cache.ts'
export type {
  CacheFailureMessage,
  ClaimMessage,
  DeliveryMessage,
  FailureMessage,
} from './service-worker/worker-messages.ts'
