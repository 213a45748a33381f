import { onAbort } from '../bytes/on-abort.ts'
import type { PinProgress } from '../cache/pin-version.ts'
import { makeError, type WorkerAnswer, type WorkerCall } from './page-calls.ts'
import type { AliveMessage, CallMessage } from './worker-messages.ts'

/** How often a page makes sure that the worker is still at a call. This also keeps the browser from ending it. */
const ALIVE_MS = 10_000

/** Calls a service worker from a page. A call is made again if the browser has ended the worker meanwhile. */
export class WorkerCalls {
  readonly #container: ServiceWorkerContainer
  readonly #registration: ServiceWorkerRegistration

  /** Speaks to the worker of a registration. */
  constructor(container: ServiceWorkerContainer, registration: ServiceWorkerRegistration) {
    this.#container = container
    this.#registration = registration
  }

  /** Makes a call. It rejects with the error of the worker, or with the reason of the signal. */
  send(call: WorkerCall, signal?: AbortSignal, onProgress?: (progress: PinProgress) => void): Promise<unknown> {
    const id = crypto.randomUUID()
    return new Promise((resolve, reject) => {
      let port: MessagePort | undefined
      let stopListening = (): void => undefined
      const send = (): void => {
        port?.close()
        const channel = new MessageChannel()
        port = channel.port1
        port.onmessage = ({ data }) => onAnswer(data as WorkerAnswer)
        this.#worker().postMessage({ type: 'combstream:call', id, ...call } satisfies CallMessage, [channel.port2])
      }
      // Whatever fails, nothing may go on listening.
      const attempt = (work: () => void): void => {
        try {
          work()
        } catch (error) {
          end()
          reject(error)
        }
      }
      const onMessage = ({ data }: MessageEvent<{ type?: unknown; id?: unknown } | null>): void => {
        if (data?.type === 'combstream:lost' && data.id === id) attempt(send)
      }
      const end = (): void => {
        clearInterval(timer)
        this.#container.removeEventListener('message', onMessage)
        stopListening()
        port?.close()
      }
      const onAnswer = (answer: WorkerAnswer): void => {
        if ('progress' in answer) return onProgress?.(answer.progress as PinProgress)
        end()
        if ('error' in answer) reject(makeError(answer.error))
        else resolve(answer.value)
      }
      const timer = setInterval(() => {
        attempt(() => {
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
          this.#worker().postMessage({ type: 'combstream:alive', id } satisfies AliveMessage)
        })
      }, ALIVE_MS)
      this.#container.addEventListener('message', onMessage)
      stopListening = onAbort([signal], (reason) => {
        port?.postMessage('abort')
        end()
        reject(reason)
      })
      if (!signal?.aborted) attempt(send)
    })
  }

  #worker(): ServiceWorker {
    const worker = this.#registration.active ?? this.#container.controller
    if (!worker) throw new Error('the service worker is gone: its registration was removed')
    return worker
  }
}
