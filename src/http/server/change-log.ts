import { markHandled } from '../../bytes/promises.ts'
import type { EntryChange, HiveChange } from '../../hive/hive-change.ts'
import { formatChange, MISSED_EVENT } from '../protocol/watch-events.ts'

/** Most changes that are kept for watchers that are slow, or whose connection was cut. */
const MAX_CHANGES = 4096
/** Bytes of events that are sent at a time, about. */
const MAX_TEXT_LENGTH = 64 * 1024

/** Events that a watcher has not been sent. */
export interface NextEvents {
  /** The events; empty if there are none. */
  readonly text: string
  /** The position after them. */
  readonly position: number
}

/**
 * The last changes of a hive, as events for any number of watchers. Each has a position of its own, so a watcher that
 * does not read takes no memory. If its position is no longer kept, it gets a `missed` event.
 */
export class ChangeLog {
  /** Position after the last change. */
  end = 0
  /** Set once the hive gives no more changes; with the error, if it has failed. */
  ended: { readonly error?: unknown } | undefined
  /** Tells the positions of this log from those of an earlier one. */
  readonly #name: string = crypto.randomUUID().slice(0, 8)
  #changes: EntryChange[] = []
  /** Position of the first change that is kept. */
  #first = 0
  readonly #waiting = new Set<() => void>()
  readonly #reader: ReadableStreamDefaultReader<HiveChange>

  /** Keeps what this stream brings. `onEnd` is called when it has ended or failed. */
  constructor(changes: ReadableStream<HiveChange>, onEnd: () => void) {
    this.#reader = changes.getReader()
    const end = (ended: { readonly error?: unknown }): void => {
      this.ended = ended
      this.#wake()
      onEnd()
    }
    this.#read().then(
      () => end({}),
      (error: unknown) => end({ error }),
    )
  }

  /** Calls `wake` once, when there is more, or the log has ended. Returns a function that stops waiting. */
  wait(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => void this.#waiting.delete(wake)
  }

  /** The events for aliases with this prefix from a position on: as many as are sent at a time. */
  eventsAt(position: number, prefix: string): NextEvents {
    if (position < this.#first)
      return { text: `event: ${MISSED_EVENT}\ndata: {}\n${this.idAt(this.end)}`, position: this.end }
    let text = ''
    let next = position
    for (; next < this.end && text.length < MAX_TEXT_LENGTH; next++) {
      const change = this.#changes[next - this.#first]!
      if (change.alias.startsWith(prefix)) text += formatChange(change) + this.idAt(next + 1)
    }
    return { text, position: next }
  }

  /** The line of an event that says its position, and the end of the event. */
  idAt(position: number): string {
    return `id: ${this.#name}-${position}\n\n`
  }

  /** The position in the id of an event; -1, which is before everything that is kept, if this log did not give the id. */
  positionOf(id: string): number {
    const [name, digits = ''] = id.split('-')
    const position = /^\d{1,15}$/.test(digits) ? Number(digits) : Infinity
    return name === this.#name && position <= this.end ? position : -1
  }

  /** Ends the log. */
  close(): void {
    markHandled(this.#reader.cancel())
  }

  async #read(): Promise<void> {
    for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) this.#add(read.value)
  }

  #add(change: HiveChange): void {
    this.end++
    if (change.alias === undefined) {
      this.#changes = []
      this.#first = this.end
    } else {
      this.#changes.push(change)
      // Half of them at a time: moving them for each change would cost more than everything else here.
      if (this.#changes.length > 2 * MAX_CHANGES) this.#changes = this.#changes.slice(-MAX_CHANGES)
      this.#first = this.end - this.#changes.length
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) {
      this.#waiting.delete(wake)
      wake()
    }
  }
}
