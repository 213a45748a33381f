import { onAbort } from '../bytes/on-abort.ts'
import type { WorkerClient, WorkerClients } from './page-identities.ts'
import type { HoldMessage, LostMessage } from './worker-messages.ts'

/** How long a page may take to say that it knows a media request. A page without combstream never does. */
const ANSWER_MS = 2_000
/** Most requests that are held at a time. */
const MAX_HOLDS = 1_000

interface Hold {
  readonly clientId: string
  answer(text: unknown): void
  end(reason: unknown): void
}

/**
 * Asks pages, while the answers to their media requests are held, when they need more of them. The page that made the
 * request watches its `<video>` or `<audio>`, so that what is paused takes nothing from the network.
 */
export class MediaHolds {
  readonly #clients: WorkerClients
  readonly #answerMs: number
  readonly #holds = new Map<string, Hold>()

  /**
   * @param clients The clients of the service worker.
   * @param answerMs How long a page may take to say that it knows the request.
   */
  constructor(clients: WorkerClients, answerMs: number = ANSWER_MS) {
    this.#clients = clients
    this.#answerMs = answerMs
  }

  /** Whether this is the id of a request that is held. */
  has(id: string): boolean {
    return this.#holds.has(id)
  }

  /**
   * Resolves once the page needs more of what it requested: with false if the page does not know.
   *
   * @throws {DOMException} `AbortError` if the page or its element has gone.
   */
  async untilNeeded(client: WorkerClient | undefined, url: string, signal: AbortSignal): Promise<boolean> {
    await this.#endThoseOfGonePages()
    signal.throwIfAborted()
    if (!client || this.#holds.size >= MAX_HOLDS) return false
    return this.#hold(client, url, signal)
  }

  /** Takes what the page says of a request that is held. */
  answer(id: string, answer: unknown): void {
    this.#holds.get(id)?.answer(answer)
  }

  #hold(client: WorkerClient, url: string, signal: AbortSignal): Promise<boolean> {
    const id = crypto.randomUUID()
    return new Promise<boolean>((resolve, reject) => {
      const timer = setTimeout(() => resolve(false), this.#answerMs)
      const stopListening = onAbort([signal], reject)
      const answer = (text: unknown): void => {
        clearTimeout(timer)
        if (text === 'gone') reject(new DOMException('the media element has gone', 'AbortError'))
        else if (text !== 'watching') resolve(text === 'more')
      }
      const end = (reason: unknown): void => {
        clearTimeout(timer)
        stopListening()
        reject(reason)
      }
      this.#holds.set(id, { clientId: client.id, answer, end })
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
      client.postMessage({ type: 'combstream:hold', id, url } satisfies HoldMessage)
    }).finally(() => {
      this.#holds.get(id)?.end(undefined)
      this.#holds.delete(id)
      // The page may still watch.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
      client.postMessage({ type: 'combstream:lost', id } satisfies LostMessage)
    })
  }

  /** Not every browser gives up the requests of a page that is closed. */
  async #endThoseOfGonePages(): Promise<void> {
    if (this.#holds.size === 0) return
    const pages = new Set(Array.from(await this.#clients.matchAll(), ({ id }) => id))
    for (const { clientId, end } of this.#holds.values()) {
      if (!pages.has(clientId)) end(new DOMException('the page has gone', 'AbortError'))
    }
  }
}
