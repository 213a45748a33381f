import { markHandled } from '../../bytes/promises.ts'

/** What {@linkcode VersionChecks} does. */
export interface VersionChecksOptions {
  /** Number of bytes from one check to the next. */
  readonly intervalBytes: number
  /** Offset of the first byte of the answer, whose head was a check itself. */
  readonly start: number
  /** Makes sure that the version is still there, for a reader at this offset. */
  readonly check: (offset: number) => Promise<void>
}

/** Checks the version now and then while one long answer is read: all of that is of one version, but perhaps an old one. */
export class VersionChecks {
  readonly #options: VersionChecksOptions
  /** Offset of the first byte that needs another check. */
  #end: number
  #pending: Promise<void> | undefined

  constructor(options: VersionChecksOptions) {
    this.#options = options
    this.#end = options.start + options.intervalBytes
  }

  /**
   * Resolves when all bytes from `offset` to `end` may be delivered. The check for the next bytes begins before the reader
   * gets there.
   */
  async reach(offset: number, end: number): Promise<void> {
    const { intervalBytes, check } = this.#options
    while (end > this.#end - intervalBytes / 4) {
      if (!this.#pending) {
        this.#pending = check(offset)
        markHandled(this.#pending)
      }
      if (end <= this.#end) return
      await this.#pending
      this.#pending = undefined
      this.#end += intervalBytes
    }
  }
}
