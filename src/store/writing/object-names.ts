import { toHex } from '../../bytes/byte-text.ts'
import { markHandled } from '../../bytes/promises.ts'
import type { Mutation } from '../backend.ts'
import { formatStreamId } from '../rows/row-values.ts'
import { randomId, type StoreContext } from '../store-context.ts'

/**
 * The names of one stream's objects, on their way from an intent to a page. They are made, committed as intents, taken
 * in that order, one for each put, and settled when a page names them or they are deleted.
 */
export class ObjectNames {
  readonly #context: StoreContext
  /** Names whose intents are committed, for the next puts. */
  readonly #reserved: Uint8Array[] = []
  /** Puts that wait for a name. */
  readonly #waiting: { resolve(name: Uint8Array): void; reject(reason: unknown): void }[] = []
  /** All names that have, or may have, an intent, by their text. */
  readonly #intents = new Map<string, Uint8Array>()
  #failure: { readonly reason: unknown } | undefined

  constructor(context: StoreContext) {
    this.#context = context
  }

  /** Names that have, or may have, an intent: reserved, being put, put and not in a page, or abandoned. */
  get intents(): Uint8Array[] {
    return [...this.#intents.values()]
  }

  /** How many names wait for puts; negative if puts wait for names. */
  get available(): number {
    return this.#reserved.length - this.#waiting.length
  }

  /**
   * Makes names, and the mutations that write their intents. All names of a stream begin alike, so that an engine may
   * keep its objects together, and sync them together.
   */
  make(stream: Uint8Array, count: number): { names: Uint8Array[]; mutations: Mutation[] } {
    const names = Array.from({ length: count }, () => {
      const name = randomId(this.#context)
      name[0] = stream[0]!
      return name
    })
    for (const name of names) this.#intents.set(toHex(name), name)
    const value = formatStreamId(stream)
    return { names, mutations: names.map((name) => ({ key: this.#context.keys.intent(name), value })) }
  }

  /** Takes names whose intents were committed. */
  reserve(names: readonly Uint8Array[]): void {
    for (const name of names) {
      const waiting = this.#waiting.shift()
      if (waiting) waiting.resolve(name)
      else this.#reserved.push(name)
    }
  }

  /** Takes the next name, once there is one. */
  take(): Promise<Uint8Array> {
    const name = this.#reserved.shift()
    if (name) return Promise.resolve(name)
    if (this.#failure) return Promise.reject(this.#failure.reason)
    const taken = new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
    markHandled(taken)
    return taken
  }

  /** Says that no more names will come. */
  fail(reason: unknown): void {
    this.#failure ??= { reason }
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
  }

  /** Says that these names no longer have an intent. */
  settle(names: readonly Uint8Array[]): void {
    for (const name of names) this.#intents.delete(toHex(name))
  }

  /** Forgets all intents: they belong to a stream that was never made. */
  clear(): void {
    this.#intents.clear()
  }
}
