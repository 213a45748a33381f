import { onAbort } from '../bytes/on-abort.ts'
import type { PinProgress } from '../cache/pin-version.ts'
import { makeError, type WorkerAnswer, type WorkerCall } from './page-calls.ts'
import type { AliveMessage, CallMessage } from './worker-messages.ts'

/** How often a page makes sure that the worker is still at a call. This also keeps the browser from ending it. */
const ALIVE_MS = 10_000
/** How often a page makes sure before it concludes that a worker which has not accepted a call does not know calls. */
const MAX_SILENCES = 3

/**
 * Calls a service worker from a page. A call is made again if the browser has ended the worker meanwhile. Browsers do not replace
 * a worker before it has ended its calls, so when a successor is ready, calls are aborted and made again to that.
 */
export class WorkerCalls {
  readonly #container: ServiceWorkerContainer
  readonly #registration: ServiceWorkerRegistration

  /** Speaks to the worker of a registration. */
  constructor(container: ServiceWorkerContainer, registration: ServiceWorkerRegistration) {
    this.#container = container
    this.#registration = registration
  }

  /**
   * Makes a call. It rejects with the error of the worker, or with the reason of the signal.
   *
   * @throws {TypeError} if the worker does not answer calls.
   */
  send(call: WorkerCall, signal?: AbortSignal, onProgress?: (progress: PinProgress) => void): Promise<unknown> {
    const id = crypto.randomUUID()
    const ended = new AbortController()
    return new Promise((resolve, reject) => {
      let port: MessagePort | undefined
      let stopListening = (): void => undefined
      let isAccepted = false
      let silences = 0
      const send = (): void => {
        port?.close()
        const channel = new MessageChannel()
        port = channel.port1
        port.onmessage = ({ data }) => onAnswer(data as WorkerAnswer)
        isAccepted = false
        silences = 0
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
        ended.abort()
        stopListening()
        port?.close()
      }
      const onAnswer = (answer: WorkerAnswer): void => {
        isAccepted = true
        if ('accepted' in answer) return
        if ('progress' in answer) return onProgress?.(answer.progress as PinProgress)
        end()
        if ('error' in answer) reject(makeError(answer.error))
        else resolve(answer.value)
      }
      const ask = (): void => {
        // The successor that was to get the call is not there yet.
        if (!port) return send()
        const worker = this.#worker()
        if (!isAccepted && ++silences >= MAX_SILENCES) {
          throw new TypeError(
            `the service worker ${worker.scriptURL} does not answer calls: it is not a ready-made one`,
          )
        }
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
        worker.postMessage({ type: 'combstream:alive', id } satisfies AliveMessage)
      }
      const timer = setInterval(() => attempt(ask), ALIVE_MS)
      this.#container.addEventListener('message', onMessage, { signal: ended.signal })
      const leave = (): void => {
        port?.postMessage('abort')
        port?.close()
        port = undefined
      }
      this.#onSuccessor(ended.signal, leave, () => port ?? attempt(send))
      stopListening = onAbort([signal], (reason) => {
        leave()
        end()
        reject(reason)
      })
      if (!signal?.aborted) attempt(send)
    })
  }

  /** Calls `leave` when another worker is ready to take over, and `goOn` when it has taken over or failed to. */
  #onSuccessor(signal: AbortSignal, leave: () => void, goOn: () => void): void {
    const watch = (): void => {
      const successor = this.#registration.installing
      successor?.addEventListener(
        'statechange',
        () => {
          if (successor.state === 'installed') leave()
          if (successor.state === 'activated' || successor.state === 'redundant') goOn()
        },
        { signal },
      )
    }
    this.#registration.addEventListener('updatefound', watch, { signal })
    watch()
  }

  #worker(): ServiceWorker {
    const worker = this.#registration.active ?? this.#container.controller
    if (!worker) throw new Error('the service worker is gone: its registration was removed')
    return worker
  }
}
