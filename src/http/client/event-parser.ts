import { FormatError } from '../../errors.ts'

/** An event that a server has sent. */
export interface SentEvent {
  /** Its type; `message` if it has none. */
  readonly type: string
  /** Its data: the lines, joined by line feeds. */
  readonly data: string
}

/** Most characters of an event: a change has some 7,000 at most. */
const MAX_LENGTH = 64 * 1024

/**
 * Parses a stream of server-sent events (HTML standard, section 9.2.6), in pieces of any length. It is our own because an
 * EventSource cannot send header fields, and Node and Deno do not all have one.
 */
export class EventParser {
  /** The last id that was sent; undefined if there was none yet. */
  lastEventId: string | undefined
  readonly #decoder = new TextDecoder()
  /** The line that has not ended yet. */
  #line = ''
  /** Whether the last line ended with a carriage return, to which a line feed may belong. */
  #afterReturn = false
  #id: string | undefined
  #type = ''
  #data: string | undefined

  /**
   * Takes bytes, and returns the events that they complete.
   *
   * @throws {FormatError} if an event is too long.
   */
  push(bytes: Uint8Array): SentEvent[] {
    const events: SentEvent[] = []
    let text = this.#decoder.decode(bytes, { stream: true })
    if (this.#afterReturn && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1)
      this.#afterReturn = false
    }
    this.#afterReturn ||= text.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    lines[0] = this.#line + lines[0]!
    this.#line = lines.pop()!
    for (const line of lines) {
      const event = this.#takeLine(line)
      if (event) events.push(event)
    }
    if (this.#line.length + (this.#data?.length ?? 0) > MAX_LENGTH) {
      throw new FormatError(`an event has more than ${MAX_LENGTH} characters`, { reason: 'limit' })
    }
    return events
  }

  #takeLine(line: string): SentEvent | undefined {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    else if (field === 'event') this.#type = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    // Comments, which have no field, and unknown fields are ignored.
    return undefined
  }

  #dispatch(): SentEvent | undefined {
    this.lastEventId = this.#id
    const data = this.#data
    const type = this.#type || 'message'
    this.#data = undefined
    this.#type = ''
    return data === undefined ? undefined : { type, data }
  }
}
