import { answerRequests } from './worker-requests.ts'
import type { SentReply } from './worker-messages.ts'

/** What is used of `DedicatedWorkerGlobalScope`, which the library `dom` does not have. */
interface WorkerScope {
  postMessage(message: SentReply, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

/** Answers the requests of a `WorkerPool` in the web worker that this runs in. */
export function answerWebWorker(): void {
  const scope = globalThis as unknown as WorkerScope
  const answer = answerRequests((reply, transfer) => scope.postMessage(reply, transfer))
  scope.addEventListener('message', ({ data }) => answer(data))
}
