import { markHandled } from '../../bytes/promises.ts'
import type { Notices } from '../../store/backend.ts'
import type { PostgresClient, PostgresListening } from './client.ts'
import { CLOSING_MS, type ServerCalls } from './server-calls.ts'
import { waitFor } from './wait-for.ts'

/** How many notices may wait to be sent. */
const MAX_WAITING = 1_000
/** The characters that a database of any encoding has; JSON escapes the rest of ASCII by itself. */
const NOT_ASCII = /[^\x20-\x7e]/g
/** A payload must be shorter than 8,000 bytes (PostgreSQL: NOTIFY). */
const PAYLOAD_BYTES = 8_000
/** How long the calls that follow the first subscription wait for it at most, in milliseconds. */
const SUBSCRIBING_MS = 5_000

/** What {@linkcode PostgresNotices} uses. */
export interface PostgresNoticesOptions {
  /** What sends the notices. */
  readonly calls: ServerCalls
  /** Name of the channel, at most 63 bytes. */
  readonly channel: string
  /** Listens; undefined if nobody hears of the changes that others make. */
  readonly client: PostgresClient | undefined
}

/** What {@linkcode PostgresNotices.subscribe} is given. */
interface Listener {
  readonly onNotice: (notice: string) => void
  readonly onMissed: (() => void) | undefined
}

/**
 * Notices by LISTEN and NOTIFY. Listening takes a connection, so it begins with the first subscription. The calls that
 * follow wait until it has begun: a caller that subscribes and then reads misses nothing in between. When it begins again, or
 * later than they waited, the listeners are told that they may have missed some.
 *
 * Those of this backend object are delivered at once, and recognised by its random id when the server sends them back. A
 * notice is sent as JSON in ASCII, because a database may not have all characters. One whose payload is too long is lost.
 * The change of an entry fits: an alias of 1,024 bytes takes at most 7,168.
 */
export class PostgresNotices implements Notices {
  readonly #calls: ServerCalls
  readonly #channel: string
  #client: PostgresClient | undefined
  readonly #id: string = crypto.getRandomValues(new Uint32Array(2)).join('-')
  readonly #listeners = new Set<Listener>()
  #waiting: string[] = []
  #sending: Promise<void> | undefined
  #isClosed = false
  readonly #closing = new AbortController()
  #listening: PromiseLike<PostgresListening> | undefined
  /** Whether the next beginning of listening comes after a time in which notices may have been lost. */
  #mayMiss = false

  constructor({ calls, channel, client }: PostgresNoticesOptions) {
    this.#calls = calls
    this.#channel = channel
    this.#client = client
  }

  /** Listens with another client from now on, if it is to listen. */
  renew(client: PostgresClient): void {
    if (this.#client) this.#client = client
    if (!this.#listening) return
    this.#mayMiss = true
    this.#listening = this.#listen(client)
  }

  /**
   * Waits a while until a client that is to be ended does not connect in order to listen. If it is ended in between, the driver
   * connects nevertheless, and leaves that connection open (postgres 3.4.9: `terminate` in its `connection.js`).
   */
  async settle(client: PostgresClient): Promise<void> {
    if (!this.#listening) return
    await waitFor<void>(
      (resolve) => {
        const timer = setTimeout(resolve, CLOSING_MS)
        const settled = (): void => {
          clearTimeout(timer)
          resolve()
        }
        // The driver says so at once if it listens, and otherwise once it does.
        markHandled(Promise.resolve(client.listen(this.#channel, () => undefined, settled)))
      },
      { signals: [] },
    )
  }

  /** Begins to listen. The client tries again whenever that fails, or its connection ends. */
  #listen(client: PostgresClient): PromiseLike<PostgresListening> {
    // One that is about to be ended still listens.
    const isCurrent = (): boolean => !this.#isClosed && client === this.#client
    const onNotice = (payload: string): void => {
      const [id, notice] = split(payload)
      if (id === this.#id || !isCurrent()) return
      const text = parse(notice)
      if (text !== undefined) this.#deliver(text)
    }
    const onListening = (): void => {
      if (!isCurrent()) return
      const hasMissed = this.#mayMiss
      this.#mayMiss = true
      if (hasMissed) for (const { onMissed } of this.#listeners) onMissed?.()
    }
    const listening = client.listen(this.#channel, onNotice, onListening)
    Promise.resolve(listening).catch(() => (this.#mayMiss = true))
    return listening
  }

  publish(notice: string): void {
    if (this.#isClosed) return
    this.#deliver(notice)
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(`${this.#id} ${toAscii(notice)}`)
    this.#sending ??= this.#send()
  }

  subscribe(onNotice: (notice: string) => void, onMissed?: () => void): () => void {
    const own: Listener = { onNotice, onMissed }
    this.#listeners.add(own)
    if (this.#client && !this.#listening && !this.#isClosed) {
      this.#listening = this.#listen(this.#client)
      this.#calls.holdFor(this.#listening, SUBSCRIBING_MS, () => (this.#mayMiss = true))
    }
    return () => this.#listeners.delete(own)
  }

  /** Delivers nothing from now on, and waits a while until everything is sent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const timer = setTimeout(() => this.#closing.abort(), CLOSING_MS)
    await this.#sending
    clearTimeout(timer)
    // The client may be out of reach, or closed already.
    if (this.#listening) markHandled(Promise.resolve(this.#listening).then((listening) => listening.unlisten()))
  }

  #deliver(notice: string): void {
    for (const { onNotice } of this.#listeners) onNotice(notice)
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

/** A notice as a string of JSON that has only ASCII. */
function toAscii(notice: string): string {
  return JSON.stringify(notice).replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The notice in a payload; undefined if somebody else has sent that. */
function parse(payload: string): string | undefined {
  try {
    const notice: unknown = JSON.parse(payload)
    return typeof notice === 'string' ? notice : undefined
  } catch {
    return undefined
  }
}
