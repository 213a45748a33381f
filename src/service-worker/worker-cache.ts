import { onAbort } from '../bytes/on-abort.ts'
import type { ClearOptions, PinOptions } from '../cache/cached-hive-types.ts'
import type { CachedRanges } from '../cache/find-cached.ts'
import type { PinProgress } from '../cache/pin-version.ts'
import type { HiveCallOptions } from '../hive/hive-call-options.ts'
import type { EntryInfo, EntryList, ListOptions } from '../hive/hive.ts'
import { type CacheAnswer, type CacheCall, makeError, type WorkerCacheUsage } from './cache-calls.ts'
import type { AliveMessage, CallMessage } from './worker-messages.ts'

/** How often a page makes sure that the worker is still at a call. This also keeps the browser from ending it. */
const ALIVE_MS = 10_000

/**
 * The cache of a service worker, for its pages. All errors are those of `cachedHive`. A call is made again if the browser
 * has ended the worker meanwhile.
 */
export class WorkerCache {
  readonly #container: ServiceWorkerContainer
  readonly #registration: ServiceWorkerRegistration

  /** Speaks to the worker of a registration. */
  constructor(container: ServiceWorkerContainer, registration: ServiceWorkerRegistration) {
    this.#container = container
    this.#registration = registration
  }

  /** Fetches all of an entry, and keeps it until it is unpinned. See `CachedHive.pin`. */
  pin(alias: string, { signal, onProgress }: PinOptions = {}): Promise<EntryInfo> {
    return this.#call({ call: 'pin', alias }, signal, onProgress) as Promise<EntryInfo>
  }

  /** Lets the pinned version of an entry be evicted. See `CachedHive.unpin`. */
  async unpin(alias: string, { signal }: HiveCallOptions = {}): Promise<void> {
    await this.#call({ call: 'unpin', alias }, signal)
  }

  /** Which bytes of an entry are here. See `CachedHive.cached`. */
  cached(alias: string, { signal }: HiveCallOptions = {}): Promise<CachedRanges | undefined> {
    return this.#call({ call: 'cached', alias }, signal) as Promise<CachedRanges | undefined>
  }

  /** Entries of the hive; without a network, those of which something is here. See `CachedHive.list`. */
  list({ after, signal }: Pick<ListOptions, 'after' | 'signal'> = {}): Promise<EntryList> {
    return this.#call({ call: 'list', after }, signal) as Promise<EntryList>
  }

  /** What the cache occupies, and where bytes came from. */
  usage({ signal }: HiveCallOptions = {}): Promise<WorkerCacheUsage> {
    return this.#call({ call: 'usage' }, signal) as Promise<WorkerCacheUsage>
  }

  /** Removes everything that the cache has for this user, pinned entries too. See `CachedHive.clear`. */
  async clear({ everyone = false, signal }: ClearOptions = {}): Promise<void> {
    await this.#call({ call: 'clear', everyone }, signal)
  }

  /** Makes the worker answer from the cache only, for all pages, until this is called with false. */
  async setOffline(offline: boolean, { signal }: HiveCallOptions = {}): Promise<void> {
    await this.#call({ call: 'offline', offline }, signal)
  }

  #call(call: CacheCall, signal?: AbortSignal, onProgress?: (progress: PinProgress) => void): Promise<unknown> {
    const id = crypto.randomUUID()
    return new Promise((resolve, reject) => {
      let port: MessagePort | undefined
      let stopListening = (): void => undefined
      const send = (): void => {
        port?.close()
        const channel = new MessageChannel()
        port = channel.port1
        port.onmessage = ({ data }) => onAnswer(data as CacheAnswer)
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
      const onAnswer = (answer: CacheAnswer): void => {
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
