import { toMapKey } from '../../bytes/byte-text.ts'
import type { Check, Mutation, VersionedValue } from '../backend.ts'
import type { StoreContext } from '../store-context.ts'

/** Conditions that one commit may have: the least of what the engines take. */
const MAX_CHECKS = 10
/** Changes that one commit may make. */
const MAX_MUTATIONS = 100

/** What one commit depends on, and what it changes. */
export interface Changes {
  readonly checks: readonly Check[]
  readonly mutations: readonly Mutation[]
}

interface Read {
  readonly key: Uint8Array
  readonly row: Promise<VersionedValue | undefined>
}

/**
 * The rows of one attempt at a commit: those that were read, with their versions, and those to be written. It knows
 * only whole keys, and not what they mean.
 */
export class RowBuffer {
  readonly #context: StoreContext
  readonly #signal: AbortSignal | undefined
  readonly #reads = new Map<string, Read>()
  readonly #writes = new Map<string, Mutation>()
  #closed = false

  /** `signal` gives up what is being read. */
  constructor(context: StoreContext, signal: AbortSignal | undefined) {
    this.#context = context
    this.#signal = signal
  }

  /** Changes that wait for the commit. */
  get writes(): Iterable<Mutation> {
    return this.#writes.values()
  }

  /** Reads a row, with what was written to it, and makes its version, or its absence, a condition of the commit. */
  async read(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.assertOpen()
    const text = toMapKey(key)
    const written = this.#writes.get(text)
    if (written) return written.value?.slice()
    let read = this.#reads.get(text)
    if (!read) {
      read = { key, row: this.#context.backend.metadata.get(key, { signal: this.#signal }) }
      this.#reads.set(text, read)
    }
    try {
      return (await read.row)?.value.slice()
    } catch (error) {
      if (this.#reads.get(text) === read) this.#reads.delete(text)
      throw error
    }
  }

  /** Reads a row, with what was written to it, without depending on it. */
  async peek(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.assertOpen()
    const written = this.#writes.get(toMapKey(key))
    if (written) return written.value?.slice()
    return (await this.#context.backend.metadata.get(key, { signal: this.#signal }))?.value
  }

  /** Takes a row as it was read elsewhere, its absence included, unless it was read here before. */
  expect(key: Uint8Array, row: VersionedValue | undefined): void {
    const text = toMapKey(key)
    if (!this.#reads.has(text)) this.#reads.set(text, { key, row: Promise.resolve(row) })
  }

  /** Forgets what was read of a row. The commit no longer depends on it, and the next read asks the backend again. */
  forget(key: Uint8Array): void {
    this.#reads.delete(toMapKey(key))
  }

  /** Writes a row; undefined deletes it. */
  write(key: Uint8Array, value: Uint8Array | undefined): void {
    this.assertOpen()
    this.#writes.set(toMapKey(key), { key, value })
  }

  /** Whether a row was written, or deleted. */
  hasWritten(key: Uint8Array): boolean {
    return this.#writes.has(toMapKey(key))
  }

  /** Whether the commit can depend on one more row. */
  get hasRoom(): boolean {
    return this.#reads.size < MAX_CHECKS
  }

  /** Takes no more reads and writes. */
  close(): void {
    this.#closed = true
  }

  /** @throws {TypeError} if it takes no more. */
  assertOpen(): void {
    if (this.#closed) throw new TypeError('the transaction has ended')
  }

  /**
   * Closes the buffer, and returns what there is to commit.
   *
   * @throws {RangeError} if that is more than 10 conditions or 100 changes.
   */
  async takeChanges(): Promise<Changes> {
    this.close()
    const mutations = [...this.#writes.values()]
    const checks = await this.#checks()
    if (checks.length > MAX_CHECKS) {
      throw new RangeError(`a transaction may depend on ${MAX_CHECKS} rows, this one on ${checks.length}`)
    }
    if (mutations.length > MAX_MUTATIONS) {
      throw new RangeError(`a transaction may change ${MAX_MUTATIONS} rows, this one ${mutations.length}`)
    }
    return { checks, mutations }
  }

  /** Whether rows that were read have changed since, so that an error may come from a mixture of old and new. */
  async isOutdated(): Promise<boolean> {
    try {
      const checks = await this.#checks()
      if (checks.length < 2 || checks.length > MAX_CHECKS) return false
      return (await this.#context.backend.metadata.commit(checks, [], { signal: this.#signal })) === false
    } catch {
      // The earlier error is the one to report.
      return false
    }
  }

  #checks(): Promise<Check[]> {
    return Promise.all([...this.#reads.values()].map(async ({ key, row }) => ({ key, version: (await row)?.version })))
  }
}
