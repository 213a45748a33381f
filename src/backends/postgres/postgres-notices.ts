import { markHandled } from '../../bytes/promises.ts'
import type { Notices } from '../../store/backend.ts'
import type { PostgresClient, PostgresListening } from './client.ts'
import { CLOSING_MS, type ServerCalls } from './server-calls.ts'

/** How many notices may wait to be sent. */
const MAX_WAITING = 1_000
/** A payload must be shorter than 8,000 bytes (PostgreSQL: NOTIFY). */
const PAYLOAD_BYTES = 8_000

/**
 * Notices by LISTEN and NOTIFY. Those of this backend object are delivered at once, and recognised by its random id when
 * the server sends them back.
 */
export class PostgresNotices implements Notices {
  readonly #calls: ServerCalls
  readonly #channel: string
  readonly #id: string = crypto.getRandomValues(new Uint32Array(2)).join('-')
  readonly #listeners = new Set<(notice: string) => void>()
  #waiting: string[] = []
  #sending: Promise<void> | undefined
  #isClosed = false
  readonly #closing = new AbortController()
  #listening: PostgresListening | undefined

  /** @param channel Name of the channel, at most 63 bytes. */
  constructor(calls: ServerCalls, channel: string) {
    this.#calls = calls
    this.#channel = channel
  }

  /** Begins to listen. The client connects again whenever its connection ends. */
  async listen(client: PostgresClient): Promise<void> {
    const listening = client.listen(this.#channel, (payload) => {
      const [id, notice] = split(payload)
      if (id !== this.#id && !this.#isClosed) this.#deliver(notice)
    })
    this.#listening = await this.#calls.limited('cannot listen for notices', listening)
  }

  publish(notice: string): void {
    if (this.#isClosed) return
    this.#deliver(notice)
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(`${this.#id} ${notice}`)
    this.#sending ??= this.#send()
  }

  subscribe(listener: (notice: string) => void): () => void {
    const own = (notice: string): void => listener(notice)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Delivers nothing from now on, and waits a while until everything is sent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const timer = setTimeout(() => this.#closing.abort(), CLOSING_MS)
    await this.#sending
    clearTimeout(timer)
    // The client may be out of reach, or closed already.
    if (this.#listening) markHandled(this.#listening.unlisten())
  }

  #deliver(notice: string): void {
    for (const listener of this.#listeners) listener(notice)
  }

  /** Sends those that wait, many in one transaction: the server lets only one transaction with notices commit at a time. */
  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const payloads = JSON.stringify(this.#waiting)
      this.#waiting = []
      try {
        await this.#calls.run({
          what: 'cannot send notices',
          statement: `
            select pg_notify('${this.#channel}', payload)
            from json_array_elements_text($1::text::json) as payloads (payload)
            where octet_length(payload) < ${PAYLOAD_BYTES}`,
          parameters: [payloads],
          changes: false,
          signal: this.#closing.signal,
        })
      } catch {
        // A notice may be lost.
      }
    }
    this.#sending = undefined
  }
}

function split(payload: string): [id: string, notice: string] {
  const space = payload.indexOf(' ')
  return [payload.slice(0, space), payload.slice(space + 1)]
}
