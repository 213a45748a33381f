import type { StoreHost } from '../store/host.ts'

/** A question to the hive for the current version of an entry. */
export interface Asking {
  readonly alias: string
  /** Grows from one question to the next. */
  readonly number: number
  readonly sinceMs: number
  /** Whether the entry may have changed since. */
  hasChanged: boolean
}

/** What the hive has answered about an entry. */
export interface Answered<T> {
  readonly answer: T
  /** When the hive was asked, in milliseconds. */
  readonly sinceMs: number
}

/** What a hive has answered last about each entry, unless the entry has changed since it was asked. */
export class AnsweredVersions<T> {
  readonly #host: StoreHost
  readonly #most: number
  /** The oldest first. */
  readonly #answers = new Map<string, Answered<T> & Pick<Asking, 'number'>>()
  readonly #asking = new Set<Asking>()
  /** Number of questions. */
  #count = 0

  /** Remembers at most so many entries. */
  constructor(host: StoreHost, most: number) {
    this.#host = host
    this.#most = most
  }

  /** What the hive has answered about an entry. */
  get(alias: string): Answered<T> | undefined {
    return this.#answers.get(alias)
  }

  /** Must be called before the hive is asked. */
  begin(alias: string): Asking {
    const asking = { alias, number: this.#count++, sinceMs: this.#host.now(), hasChanged: false }
    this.#asking.add(asking)
    return asking
  }

  /** Must be called when the hive has answered; without an answer, if it has failed. */
  end(asking: Asking, answer: T | undefined): void {
    this.#asking.delete(asking)
    const { alias, number, sinceMs, hasChanged } = asking
    if (answer === undefined || hasChanged) return
    // A later question may have been answered sooner.
    if (number < (this.#answers.get(alias)?.number ?? 0)) return
    this.#answers.delete(alias)
    this.#answers.set(alias, { answer, number, sinceMs })
    if (this.#answers.size > this.#most) this.#answers.delete(this.#answers.keys().next().value!)
  }

  /** Forgets an entry, and what is being asked about it. */
  forget(alias: string): void {
    this.#answers.delete(alias)
    for (const asking of this.#asking) if (asking.alias === alias) asking.hasChanged = true
  }

  /** Forgets all, and what is being asked. */
  forgetAll(): void {
    this.#answers.clear()
    for (const asking of this.#asking) asking.hasChanged = true
  }
}
