import type { BackendCallOptions, Check, Mutation, ObjectInfo, Row, VersionedValue } from './backend.ts'
import { persistently } from './retry.ts'
import type { StoreContext } from './store-context.ts'

const MAX_PROBLEMS = 100

/**
 * A run over a whole store. Its calls of the backend are repeated while their failures may be temporary, and end once
 * `signal` aborts. It notes rows that it cannot read, and continues with the others.
 */
export class MaintenanceRun {
  readonly context: StoreContext
  /** Whether the run only reports, and changes nothing. */
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
  readonly #problems: Error[] = []

  constructor(context: StoreContext, dryRun: boolean, signal: AbortSignal | undefined) {
    this.context = context
    this.dryRun = dryRun
    this.signal = signal
  }

  /** Rows that could not be read, at most 100. */
  get problems(): readonly Error[] {
    return [...this.#problems]
  }

  /** Reads a row. */
  get(key: Uint8Array): Promise<VersionedValue | undefined> {
    return this.call((options) => this.context.backend.metadata.get(key, options))
  }

  /** Commits; false if a check failed. A check also fails if an earlier try was applied and its answer was lost. */
  commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<string | false> {
    return this.call((options) => this.context.backend.metadata.commit(checks, mutations, options))
  }

  /** The length of an object. */
  sizeOf(name: string): Promise<number | undefined> {
    return this.call((options) => this.context.backend.blocks.size(name, options))
  }

  /** All rows whose keys begin with `prefix`, in lists of at most `limit`. */
  async *lists(prefix: Uint8Array, limit: number): AsyncGenerator<readonly Row[], void> {
    for (let after: Uint8Array | undefined; ;) {
      const cursor = after
      const rows = await this.call((options) =>
        this.context.backend.metadata.list({ prefix, after: cursor, limit, ...options }),
      )
      if (rows.length === 0) return
      yield rows
      after = rows.at(-1)!.key
    }
  }

  /** The store's objects after the one called `after`, in the order of their names, at most `limit`. */
  listObjects(after: string | undefined, limit: number): Promise<ObjectInfo[]> {
    const prefix = this.context.keys.objectPrefix
    return this.call((options) => this.context.backend.blocks.list({ prefix, after, limit, ...options }))
  }

  /**
   * Does the work for one row. If the row is damaged or of a later version, this is noted, and the row is left alone.
   */
  async tolerating(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { name } = error as Error
      if (name !== 'IntegrityError' && name !== 'FormatError') throw error
      this.note(error as Error)
    }
  }

  /** Notes something that was left alone because it cannot be read. */
  note(problem: Error): void {
    const known = this.#problems.some(({ message }) => message === problem.message)
    if (!known && this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem)
  }

  /** Makes an idempotent call. */
  call<T>(call: (options: BackendCallOptions) => Promise<T>): Promise<T> {
    const { signal } = this
    signal?.throwIfAborted()
    return persistently(this.context.host, () => call({ signal }), signal)
  }
}
