import { BackendError } from '../errors.ts'
import type { Backend, BackendCallOptions, Check } from './backend.ts'
import type { StoreHost } from './host.ts'
import { persistently, waitToRetry } from './retry.ts'
import type { RowKeys } from './rows/row-keys.ts'
import { formatVersion, parseVersion } from './rows/row-values.ts'

/** What a {@linkcode VersionRow} needs of its store. */
export interface VersionRowOptions {
  readonly backend: Backend
  readonly keys: RowKeys
  readonly host: StoreHost
}

/**
 * The row `v` of a store: which version of the package can read it. A collection also rewrites it before it removes
 * streams. So a commit that depends on this row, and on a stream's being absent, depends on the stream's never having
 * been there.
 */
export class VersionRow {
  readonly #options: VersionRowOptions
  /** Features of the store that it is known to have; undefined before the row was read. */
  #features: number | undefined
  /** The version of the row, as it was last seen. */
  #version: string | undefined

  constructor(options: VersionRowOptions) {
    this.#options = options
  }

  /**
   * Checks that this package can read the store, unless it has been checked.
   *
   * @param needed The features that the row must have before anything is written. Without them, it is not written.
   * @throws {FormatError} if this package cannot read the store.
   */
  async ensure(needed: number | undefined, options?: BackendCallOptions): Promise<void> {
    if (this.#features !== undefined && (this.#features & (needed ?? 0)) === (needed ?? 0)) return
    const { backend, host, keys } = this.#options
    const key = keys.version()
    for (let number = 0; number < host.budget.conflicts; number++) {
      await waitToRetry(host, Math.max(0, number - 1), options?.signal)
      const row = await backend.metadata.get(key, options)
      this.#version = row?.version
      this.#features = row && parseVersion(row.value)
      if (needed === undefined || (this.#features !== undefined && (this.#features & needed) === needed)) return
      const features = (this.#features ?? 0) | needed
      const checks = [{ key, version: row?.version }]
      const mutations = [{ key, value: formatVersion(features) }]
      // After a try that was applied without an answer, the next one is refused, and the next look finds what it wrote.
      const version = await persistently(
        host,
        () => backend.metadata.commit(checks, mutations, options),
        options?.signal,
      )
      if (!version) continue
      this.#version = version
      this.#features = features
      return
    }
    throw new BackendError('the version of the store keeps changing', { retryable: true })
  }

  /** The condition that the row is as it was last seen. */
  async check(options?: BackendCallOptions): Promise<Check> {
    if (this.#version === undefined) {
      this.#features = undefined
      await this.ensure(0, options)
    }
    return { key: this.#options.keys.version(), version: this.#version }
  }

  /** Says that the row may have changed: the next check reads it. */
  forget(): void {
    this.#version = undefined
  }
}
