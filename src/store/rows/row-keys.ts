import { concatBytes } from '../../bytes/byte-order.ts'
import { fromHex, toHex } from '../../bytes/byte-text.ts'
import { writeU32 } from '../../bytes/integers.ts'
import { ID_BYTES } from './row-values.ts'

/**
 * Who holds a reference. It is part of the reference's key, so that a user's reference never collides with one that a
 * hive sets.
 */
export type ReferenceOwner = 'user' | 'alias' | 'pin' | 'upload'

/** The byte that stands for an owner in a key. */
export const OWNERS: Readonly<Record<ReferenceOwner, number>> = { user: 0, alias: 1, pin: 2, upload: 3 }

/** The form of a reference that is part of its key. */
export const INLINE = 0
const HASHED = 1

/**
 * The keys of one store's rows, and the names of its objects. All begin with the store's name and a separator that no
 * name contains, so stores in one backend never touch each other's rows and objects.
 */
export class RowKeys {
  readonly #rows: string
  /** What the keys of each kind of row begin with. */
  readonly #prefixes = new Map<string, Uint8Array>()
  /** Prefix of the names of the store's objects. */
  readonly objectPrefix: string

  /** Makes the keys of the store called `name`. */
  constructor(name: string) {
    this.#rows = `${name}/`
    // A letter comes first: backups may leave out files whose names begin with a dot.
    this.objectPrefix = `o${name}.`
  }

  /** `v`: the version of the store. */
  version(): Uint8Array<ArrayBuffer> {
    return this.#key('v')
  }

  /** `s/<id>`: a stream. */
  stream(id: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('s/', id)
  }

  /** `m/<id>/<page>`: a page of its blocks. */
  page(id: Uint8Array, page: number): Uint8Array<ArrayBuffer> {
    return this.#key('m/', id, SLASH, pageNumber(page))
  }

  /** `t/<id>/<page>`: a page whose stream was collected; its blocks are kept for readers until a grace is over. */
  trash(id: Uint8Array, page: number): Uint8Array<ArrayBuffer> {
    return this.#key('t/', id, SLASH, pageNumber(page))
  }

  /** What the keys of all rows of a kind begin with. */
  all(kind: 'c' | 'i' | 'm' | 'r' | 's' | 't'): Uint8Array<ArrayBuffer> {
    return this.#key(`${kind}/`)
  }

  /** `h/<digest>`: the stream that has this digest. */
  digest(digest: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('h/', digest)
  }

  /** `c/<id>`: a candidate for collection. */
  candidate(id: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('c/', id)
  }

  /** `i/<object>`: an object that is about to be put. */
  intent(object: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('i/', object)
  }

  /** `r/<id>/<owner><form><reference or its hash>`: a reference. */
  reference(
    id: Uint8Array,
    owner: ReferenceOwner,
    form: 'inline' | 'hashed',
    bytes: Uint8Array,
  ): Uint8Array<ArrayBuffer> {
    return this.#key('r/', id, SLASH, new Uint8Array([OWNERS[owner], form === 'inline' ? INLINE : HASHED]), bytes)
  }

  /** Prefix of the keys of all references of a stream. */
  references(id: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('r/', id, SLASH)
  }

  /** `a/<alias>`: an entry of a hive. */
  alias(alias: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('a/', alias)
  }

  /** `u/<key>`: a row of a user of the store. */
  user(key: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#key('u/', key)
  }

  /** Name of an object. */
  object(id: Uint8Array): string {
    return this.objectPrefix + toHex(id)
  }

  /** Id of the object that has this name; undefined if this version gives no such name. */
  objectId(name: string): Uint8Array<ArrayBuffer> | undefined {
    const id = fromHex(name.slice(this.objectPrefix.length))
    return id?.byteLength === ID_BYTES && name === this.object(id) ? id : undefined
  }

  #key(kind: string, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
    let prefix = this.#prefixes.get(kind)
    if (!prefix) {
      prefix = new TextEncoder().encode(this.#rows + kind)
      this.#prefixes.set(kind, prefix)
    }
    return concatBytes(prefix, ...parts)
  }
}

function pageNumber(page: number): Uint8Array {
  const number = new Uint8Array(4)
  writeU32(number, 0, page)
  return number
}

const SLASH = new Uint8Array([0x2f])
