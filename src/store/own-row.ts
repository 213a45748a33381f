import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import { BackendError } from '../errors.ts'
import type { Mutation, VersionedValue } from './backend.ts'
import { CODEC_NONE, EPOCH_BYTES, formatCandidate, formatStream, type StreamRecord } from './format.ts'
import { isTransient, maybeApplied, persistently, waitToRetry } from './retry.ts'
import { randomId, type StoreContext } from './store-context.ts'

/**
 * The row `s` of a stream that is being stored. Only its writer and collection change it, so that it tells what became
 * of a commit whose answer was lost.
 */
export class OwnRow {
  readonly #context: StoreContext
  readonly #signal: AbortSignal
  #id: Uint8Array
  #record: StreamRecord
  #version: string | undefined
  #mayExist = false
  /** Whether a change was sent that may have been applied, or may be yet. */
  #unanswered = false

  /** `signal` ends the waiting between attempts; commits that have begun are waited for. */
  constructor(context: StoreContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
    this.#id = randomId(context)
    this.#record = {
      status: { kind: 'storing' },
      epoch: context.host.random(EPOCH_BYTES),
      createdAt: 0,
      leaseUntil: 0,
      size: 0,
      blockCount: 0,
      blockSize: context.blockSize,
      codec: CODEC_NONE,
      digest: undefined,
      extensions: new Uint8Array(0),
    }
  }

  /** Id of the stream, final once the row is created. */
  get id(): Uint8Array {
    return this.#id
  }

  /** Key of the row. */
  get key(): Uint8Array {
    return this.#context.keys.stream(this.#id)
  }

  /** What the row says, by the last change of this writer. */
  get record(): StreamRecord {
    return this.#record
  }

  /** The row's version, by the last change of this writer; undefined before the row exists. */
  get version(): string | undefined {
    return this.#version
  }

  /** Whether a commit that makes the row was ever sent. */
  get mayExist(): boolean {
    return this.#mayExist
  }

  /** Whether a row with the same id is this writer's. */
  isOwn(record: StreamRecord): boolean {
    return equalBytes(record.epoch, this.#record.epoch)
  }

  /** The record with a new lease. */
  leased(): StreamRecord {
    return { ...this.#record, leaseUntil: this.#context.host.now() + this.#context.leaseMs }
  }

  /** Makes the row; what else is committed with it depends on its id. */
  async create(withId: (id: Uint8Array) => Mutation[]): Promise<void> {
    const { backend, keys, host } = this.#context
    for (let tries = 1; ; tries++) {
      const createdAt = host.now()
      this.#record = { ...this.leased(), createdAt }
      this.#mayExist = true
      const { key } = this
      const value = formatStream(this.#record)
      const candidate = { key: keys.candidate(this.#id), value: formatCandidate(createdAt) }
      let failure: unknown
      try {
        const mutations = [{ key, value }, candidate, ...withId(this.#id)]
        const version = await backend.metadata.commit([{ key, version: undefined }], mutations)
        if (version) {
          this.#version = version
          return
        }
        failure = new BackendError(`a stream ${toHex(this.#id)} exists`, { retryable: false })
      } catch (error) {
        failure = error
      }
      if (maybeApplied(failure)) {
        const row = await this.read()
        if (row && equalBytes(row.value, value)) {
          this.#version = row.version
          return
        }
      }
      if (tries === host.budget.tries || !(maybeApplied(failure) || isTransient(failure))) throw failure
      await waitToRetry(host, tries, this.#signal)
      // The absence of the row may come again, so a creation that may still be applied is never repeated.
      this.#id = randomId(this.#context)
    }
  }

  /** Changes the row, and others with it. Only its version is a condition, so that the same commit can be repeated. */
  async change(record: StreamRecord, others: readonly Mutation[]): Promise<void> {
    const { key } = this
    const value = formatStream(record)
    const checks = [{ key, version: this.#version }]
    const mutations = [{ key, value }, ...others]
    const { backend, host } = this.#context
    for (let tries = 1; ; tries++) {
      let failure: unknown
      let answer: string | false | undefined
      try {
        answer = await backend.metadata.commit(checks, mutations)
      } catch (error) {
        if (!maybeApplied(error) && !isTransient(error)) throw error
        if (maybeApplied(error)) this.#unanswered = true
        failure = error
      }
      const row = answer ? { version: answer, value } : await this.read()
      if (row && row.version !== this.#version && equalBytes(row.value, value)) {
        this.#version = row.version
        this.#record = record
        this.#unanswered = false
        return
      }
      if (row?.version !== this.#version || failure === undefined) throw this.lost(failure)
      if (tries === host.budget.tries) throw failure
      await waitToRetry(host, tries, this.#signal)
    }
  }

  /** Reads the row. */
  read(): Promise<VersionedValue | undefined> {
    const { backend, host } = this.#context
    return persistently(host, () => backend.metadata.get(this.key))
  }

  /** Whether the row is as the last change that was answered left it, and no other can come. */
  async isAsKnown(): Promise<boolean> {
    return !this.#unanswered && (await this.read())?.version === this.#version
  }

  /** The error for a row that somebody else has changed. */
  lost(cause: unknown): BackendError {
    const message = `the upload ${toHex(this.#id)} was collected while it was being stored: its lease was over`
    return new BackendError(message, { retryable: true, cause })
  }
}
