// The rows of the stream store in the model. The stream-store section of docs/formats.md describes the real layouts.
//
// A block is a single letter, a digest is the text itself, and an object holds a single letter: WRONG_BYTES if its
// bytes are wrong but of the right length, LOST if it is gone.

export const WRONG_BYTES = '#'
export const LOST = ''

/** Permanent, will expire, has expired. There is no clock: a row that will expire may do so at any moment. */
export type Expiry = 0 | 1 | 2
export const PERMANENT = 0
export const EXPIRING = 1
export const EXPIRED = 2

/** An object and the digest of its block. */
export type PageEntry = readonly [objectName: string, digest: string]

export interface StreamRow {
  readonly status: 'storing' | 'stored' | 'condemned' | 'deleting'
  /** The status that a condemned stream had. */
  readonly was?: 'storing' | 'stored' | undefined
  /** The writer that stores it. A take-over changes it. */
  readonly epoch?: number | string
  /** Blocks stored so far. */
  readonly offset: number
  /** Stands for size and digest, once the stream is stored. */
  readonly text?: string
  /** The id of its page set, unless that is its own id. */
  readonly pageSet?: string
  /** The damage mark. */
  readonly damaged?: 1 | undefined
  /** The object with the last bytes of an upload, which do not fill a block yet. */
  readonly tail?: string | undefined
  /** Deleted by its own writer because the content existed already. */
  readonly duplicate?: 1
  /** Deleted by its own writer or by a cancel. */
  readonly givenUp?: 1
}

export interface ReferenceRow {
  readonly expiry: Expiry
  /** The id of the stream whose last commit set it. */
  readonly by?: string
}

export interface TrashRow {
  readonly page: readonly PageEntry[]
  /** The objects to delete when the grace is over. */
  readonly dead: readonly string[]
}

/** An entry of a hive. */
export interface AliasRow {
  readonly id: string
  readonly etag: string
  readonly expiry?: Expiry
}

export interface PinRow {
  readonly id: string
  readonly expiry: Expiry
}

/** An upload that can be resumed. Once it has ended, its remembered answer. */
export interface UploadRow {
  readonly id?: string
  readonly answer?: string
  readonly expiry?: Expiry
}

/** Row types by the first part of the key. */
export interface Rows {
  /** Version of the store: `v/`. Its value never changes; a collection rewrites it before it removes streams. */
  v: 1
  /** Stream: `s/<id>`. */
  s: StreamRow
  /** Page: `m/<page set>/<page>`. */
  m: readonly PageEntry[]
  /** Digest index: `h/<text>`. */
  h: string
  /** Reference: `r/<id>/<reference>`. */
  r: ReferenceRow
  /** Candidate for collection: `c/<id>`. */
  c: 1
  /** The object that holds a block: `b/<digest>`. */
  b: { readonly objectName: string }
  /** Holder of an object: `br/<object>/<page set>`. */
  br: 1
  /** Write-ahead intent: `i/<object>`. */
  i: { readonly id: string }
  /** Trash: `t/<page set>/<page>`, or `t/<id>/tail`. */
  t: TrashRow
  /** Entry of a hive: `a/<alias>`. */
  a: AliasRow
  /** Reader pin: `p/<pin>`. */
  p: PinRow
  /** Upload: `up/<upload>`. */
  up: UploadRow
  /** Index by time of the `a`, `p` and `up` rows that expire: `e/<row>`. */
  e: 1

  // Ghost rows record what happened. Only the invariants read them, never an actor.

  /** How often a write to an alias was applied: `applied/<writer>` or `applied/up/<upload>`. */
  applied: number
  /** A client got the answer that this upload is gone: `told404/<upload>`. */
  told404: 1
  /** The highest offset in an answer to a client: `toldOffset/<upload>`. */
  toldOffset: number
  /** Some actor found this reference or pin expired: `foundOver/<reference>`. */
  foundOver: 1
  /** The adversary damaged this object: `struck/<object>`. */
  struck: Damage
}

export type Damage = 'lost' | 'wrong'
export type Family = keyof Rows
export type Key<F extends Family = Family> = `${F}/${string}`
/** The rows that a commit writes. Null deletes a row. */
export type Mutations = Record<Key, Rows[Family] | null>
