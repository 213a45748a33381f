import type { HiveCallOptions } from './hive-call-options.ts'

/** Options of {@linkcode Entry.manifest}. */
export interface ManifestOptions extends HiveCallOptions {
  /**
   * Offset of the first byte whose block is wanted.
   * @default 0
   */
  start?: number | undefined
  /**
   * Offset after the last byte whose block is wanted.
   * @default the size of the entry
   */
  end?: number | undefined
}

/** The digests of consecutive blocks of a version. The blocks divide it evenly; only the last one may be shorter. */
export interface EntryManifest {
  /** Etag of the version, quotes included. */
  readonly etag: string
  /** Number of bytes of the version. */
  readonly size: number
  /** Number of bytes of each block but the last. */
  readonly blockLength: number
  /** Offset in the version of the first block whose digest is here. */
  readonly start: number
  /** SHA-256 of each block, in base64url without padding. */
  readonly digests: readonly string[]
  /** If the range has more blocks than are here: the value of `start` for the rest. */
  readonly next?: number | undefined
}
