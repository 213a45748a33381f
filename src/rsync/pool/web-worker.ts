import { answerRequests } from './worker-requests.ts'
import type { SentReply } from './pool-messages.ts'

/** The parts of `DedicatedWorkerGlobalScope` used here. TypeScript's `dom` library does not declare it. */
interface WorkerScope {
  postMessage(message: SentReply, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

/** Answers the requests of a `WorkerPool` inside a web worker. */
export function answerWebWorker(): void {
  const scope = globalThis as unknown as WorkerScope
  const answer = answerRequests((reply, transfer) => scope.postMessage(reply, transfer))
  scope.addEventListener('message', ({ data }) => answer(data))
}
