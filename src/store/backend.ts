/**
 * The seam between the stream store and an engine: ordered rows with an atomic check-and-set, and immutable byte
 * objects. Nothing above it knows which engine it is on.
 *
 * Every method takes a `signal` and rejects with its reason once it has aborted. An engine's own exceptions are wrapped
 * in a `BackendError`, a full disk or a used-up quota in a `QuotaExceededError`.
 *
 * @module
 */
import type { StreamingHash } from '../bytes/sha256.ts'

/** Options that every method of a backend takes. */
export interface BackendCallOptions {
  /** Aborts the call; a change that it has begun may still be applied. */
  signal?: AbortSignal | undefined
}

/** A value and its version. */
export interface VersionedValue {
  /** The bytes; they belong to the caller. */
  readonly value: Uint8Array
  /** Opaque; it never recurs for a key, not even after deletion and re-creation. */
  readonly version: string
}

/** A row of the metadata. */
export interface Row extends VersionedValue {
  /** The key; it belongs to the caller. */
  readonly key: Uint8Array
}

/** A condition of a commit: the row has this version, or, with undefined, is absent. */
export interface Check {
  /** Key of the row. */
  readonly key: Uint8Array
  /** The version that the row must have; undefined if it must be absent. */
  readonly version: string | undefined
}

/** A change of a commit: the row gets this value, or, with undefined, is deleted. */
export interface Mutation {
  /** Key of the row. A commit has at most one mutation for each key. */
  readonly key: Uint8Array
  /** The new value; undefined deletes the row, whether it exists or not. */
  readonly value: Uint8Array | undefined
}

/** Options of {@linkcode Metadata.list}. */
export interface ListRowsOptions extends BackendCallOptions {
  /** Only keys that begin with these bytes. */
  prefix: Uint8Array
  /** Only keys that come after this one. */
  after?: Uint8Array | undefined
  /** The largest number of rows; an engine may return fewer, but returns none only when there are none. */
  limit: number
}

/** Small rows, ordered by the unsigned bytes of their keys, with an atomic check-and-set over several of them. */
export interface Metadata {
  /** Reads a row, as of the last commit that was acknowledged, or later. */
  get(key: Uint8Array, options?: BackendCallOptions): Promise<VersionedValue | undefined>
  /** Reads rows in the order of their keys. */
  list(options: ListRowsOptions): Promise<Row[]>
  /**
   * Applies all mutations if every check holds, and resolves with the new version of all the rows that it wrote.
   * Otherwise it changes nothing, and resolves with false. The version is never an empty string; that of a commit
   * without mutations has no meaning. A commit is durable once it has resolved with a version.
   *
   * @throws {BackendError} if the engine failed; with `outcome: 'unknown'` if it may have applied the commit.
   */
  commit(
    checks: readonly Check[],
    mutations: readonly Mutation[],
    options?: BackendCallOptions,
  ): Promise<string | false>
  /**
   * Reads up to 100 rows with one call, if the engine can do that sooner than with many: for each key, in the same order,
   * what `get` would resolve with.
   */
  getMany?(keys: readonly Uint8Array[], options?: BackendCallOptions): Promise<(VersionedValue | undefined)[]>
  /**
   * The rows as a transaction sees them that the caller has open in the engine. A commit becomes part of that transaction:
   * it is durable, and visible to others, once the caller commits, and undone if the caller rolls back. Until then, commits
   * of others that depend on what it changes wait. What it was told holds until then.
   *
   * @throws {TypeError} if this is not a transaction of this engine, or none is open.
   */
  join?(transaction: unknown): Metadata
}

/** What the writer of a block knows about its use. An engine may use this to place the block, or ignore it. */
export interface BlockHints {
  /** `cold`: written often and read seldom (AtlasDB: isAppendHeavyAndReadLight). */
  temperature?: 'hot' | 'cold' | undefined
}

/** Options of {@linkcode Blocks.get}. */
export interface GetBlockOptions extends BackendCallOptions {
  /**
   * Memory that the caller gives away. An engine may return the bytes in it if they fill it, or ignore it.
   */
  into?: Uint8Array<ArrayBuffer> | undefined
  /**
   * Names of a few objects that the caller will probably get next, in this order. Their puts have resolved; some may have been
   * deleted. An engine may open them meanwhile, or ignore it.
   */
  next?: readonly string[] | undefined
}

/** Options of {@linkcode Blocks.list}. */
export interface ListBlocksOptions extends BackendCallOptions {
  /** Only names that begin with this string. */
  prefix: string
  /** Only names that come after this one. */
  after?: string | undefined
  /** The largest number of objects; an engine may return fewer, but returns none only when there are none. */
  limit: number
}

/** An object as {@linkcode Blocks.list} describes it. */
export interface ObjectInfo {
  /** Its name. */
  readonly name: string
  /**
   * Its length in bytes. An object whose put did not finish may be listed with the length that it has; `get` finds none, or only
   * that part.
   */
  readonly size: number
}

/**
 * Immutable byte objects under one-shot names: a name is put at most once. Names are up to 200 ASCII letters, digits,
 * `-` and `.`, a letter or digit first.
 */
export interface Blocks {
  /**
   * Says that the objects are in memory, so that `get` is done at once. Then nothing is gained by fetching blocks ahead, and a
   * block is read straight into the buffer that a reader brings: the engine must not write to `into` once `get` has
   * settled.
   * @default false
   */
  readonly isImmediate?: boolean | undefined
  /**
   * Says that a put which has failed with an unknown outcome, or was aborted, may be applied later, even after a `delete` of
   * that name: a server may still work on a request whose client is gone. Then the store has a collection delete the object
   * once more.
   * @default false
   */
  readonly putsMayArriveLate?: boolean | undefined
  /**
   * Stores an object of at least one byte, which is durable once this has resolved. `bytes` is not kept after that.
   */
  put(name: string, bytes: Uint8Array, options?: BackendCallOptions & { hints?: BlockHints | undefined }): Promise<void>
  /** Reads a whole object; undefined if there is none. The bytes belong to the caller, and fill their ArrayBuffer. */
  get(name: string, options?: GetBlockOptions): Promise<Uint8Array<ArrayBuffer> | undefined>
  /**
   * An object as a Blob of the engine's own storage, whose bytes are not read here: a browser sends such a Blob itself, and
   * sooner than a worker can. Undefined if there is none, or if the engine does not have this object as a Blob. Once the
   * object is deleted, the Blob has the same bytes, or fails when it is read.
   */
  blob?(name: string, options?: BackendCallOptions): Promise<Blob | undefined>
  /** The length of an object in bytes, without reading it; undefined if `get` would resolve with undefined. */
  size(name: string, options?: BackendCallOptions): Promise<number | undefined>
  /** Deletes an object, whether it exists or not. */
  delete(name: string, options?: BackendCallOptions): Promise<void>
  /** Lists objects in the order of the characters of their names. */
  list(options: ListBlocksOptions): Promise<ObjectInfo[]>
}

/**
 * Carries short messages between all who have the backend open, in any process that it reaches, the sender included. A
 * notice may be lost, for example when its sender is killed; nothing depends on it but how soon somebody looks.
 */
export interface Notices {
  /** Sends a notice of at most 7,900 bytes of UTF-8. It never throws. */
  publish(notice: string): void
  /**
   * Calls a listener for each notice from now on, and `onMissed` each time that the engine notices that some may have been
   * lost, for example with a connection; until the function that it returns is called.
   */
  subscribe(listener: (notice: string) => void, onMissed?: () => void): () => void
}

/** Largest sizes that an engine takes, in bytes. Whatever exceeds them is refused before any work. */
export interface BackendLimits {
  /**
   * Largest number of bytes of a key; a store needs 1,200.
   * @default 1536
   */
  keyBytes?: number
  /**
   * Largest number of bytes of a value; a store needs 40,000.
   * @default 61440
   */
  valueBytes?: number
  /**
   * Largest number of bytes of an object.
   * @default Infinity
   */
  blockBytes?: number
}

/** An engine: both halves, its limits, and what else it provides. */
export interface Backend {
  /** The small rows. */
  readonly metadata: Metadata
  /** The byte objects. */
  readonly blocks: Blocks
  /** The largest sizes that it takes. */
  readonly limits?: BackendLimits
  /** How changes are announced; by default only within the process, to those who use this backend object. */
  readonly notices?: Notices
  /**
   * Whether rows are cheaper to write if their keys are close to each other, as in a tree of pages on one disk. Then the
   * ids of streams that a store makes one after another begin alike, 32 at a time. Leave it out if rows are spread over
   * machines by their keys.
   * @default false
   */
  readonly prefersNeighbours?: boolean
  /** Makes a SHA-256 that is faster here than WebAssembly. */
  createHash?(): StreamingHash
  /** Closes the engine; all later calls fail. */
  close(): Promise<void>
}
