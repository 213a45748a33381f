/**
 * The keys of a cache's rows, which are rows of the store's user: docs/formats.md, "Rows of a cache".
 *
 * ```text
 * cache/u                                        usage
 * cache/g                                        generation of the pins
 * cache/c/<partition>                            number of the last clearing of a partition
 * cache/e/<partition><alias>                     version last seen
 * cache/p/<partition><alias>                     pinned version
 * cache/m/<partition><alias16><version16><page>  digests of up to 64 blocks of a version
 * cache/b/<partition><block>                     block
 * cache/t/<partition><alias16><segment>          last use of up to 64 blocks of an entry
 * ```
 *
 * A partition is 16 bytes, `alias16` and `version16` are the first 16 bytes of a SHA-256, a block is 32 bytes, a page and a
 * segment are a u32. An alias of more than 900 bytes is its first 900 bytes and its SHA-256.
 *
 * @module
 */
import { concatBytes } from '../bytes/byte-order.ts'
import { readU32, writeU32 } from '../bytes/integers.ts'
import { sha256 } from '../bytes/sha256.ts'

const HASH_BYTES = 16
/** So long an alias is a part of its key; a key has at most 1,024 bytes. */
const INLINE_ALIAS_BYTES = 900

/** Blocks of a page of digests, and of a segment. */
export const PAGE_BLOCKS = 64
/** Length of what comes before the partition in a key. */
const KIND_BYTES = 8

type Kind = 'c' | 'e' | 'p' | 'm' | 'b' | 't'

/** The key of the row that says what the cache occupies. */
export function usageKey(): Uint8Array {
  return encode('cache/u')
}

/** The key of the row that changes whenever a version is pinned. */
export function generationKey(): Uint8Array {
  return encode('cache/g')
}

/** What the keys of all rows of a kind begin with; those of one partition, if it is given. */
export function keysOf(kind: Kind, partition?: Uint8Array): Uint8Array {
  return concatBytes(encode(`cache/${kind}/`), partition ?? new Uint8Array(0))
}

/** The partition that a key names. */
export function partitionIn(key: Uint8Array): Uint8Array {
  return key.slice(KIND_BYTES, KIND_BYTES + HASH_BYTES)
}

/** What follows the partition in a key. */
export function restOf(key: Uint8Array): Uint8Array {
  return key.slice(KIND_BYTES + HASH_BYTES)
}

/** Names the entries of one hive as one principal sees them. */
export async function partitionOf(hive: string, principal: string): Promise<Uint8Array> {
  return hash16(encode(JSON.stringify([hive, principal])))
}

/** An alias as it is used in keys. */
export interface AliasKey {
  /** The alias. */
  readonly alias: string
  /** In the keys of versions and pins. */
  readonly ordered: Uint8Array
  /** In all other keys. */
  readonly hash: Uint8Array
}

/** Makes the keys of an alias. */
export async function aliasKeyOf(alias: string): Promise<AliasKey> {
  const bytes = encode(alias)
  const digest = await sha256(bytes)
  const ordered =
    bytes.byteLength <= INLINE_ALIAS_BYTES ? bytes : concatBytes(bytes.subarray(0, INLINE_ALIAS_BYTES), digest)
  return { alias, ordered, hash: digest.slice(0, HASH_BYTES) }
}

/** The part of an alias that orders keys: no key of a later alias begins with less. */
export function orderedPart(alias: string): Uint8Array {
  return encode(alias).subarray(0, INLINE_ALIAS_BYTES)
}

/** `cache/e/…`, or `cache/p/…` for the pinned version. */
export function versionKey(kind: 'e' | 'p', partition: Uint8Array, { ordered }: AliasKey): Uint8Array {
  return concatBytes(keysOf(kind, partition), ordered)
}

/** Names a version in keys: an entry of another size or with blocks of another kind is another version. */
export function versionHash(version: { etag: string; size: number; blockLength: number }): Promise<Uint8Array> {
  return hash16(encode(JSON.stringify([version.etag, version.size, version.blockLength])))
}

/** What the keys of the pages of an entry begin with; of a version, if it is given. */
export function pagesOf(partition: Uint8Array, { hash }: AliasKey, version?: Uint8Array): Uint8Array {
  return concatBytes(keysOf('m', partition), hash, version ?? new Uint8Array(0))
}

/** `cache/m/…` */
export function pageKey(partition: Uint8Array, alias: AliasKey, version: Uint8Array, page: number): Uint8Array {
  return concatBytes(pagesOf(partition, alias, version), u32(page))
}

/** The name of the version in the key of a page. */
export function versionInPageKey(key: Uint8Array): Uint8Array {
  return key.slice(KIND_BYTES + 2 * HASH_BYTES, KIND_BYTES + 3 * HASH_BYTES)
}

/** The number of the page in its key. */
export function pageInKey(key: Uint8Array): number {
  return readU32(key, KIND_BYTES + 3 * HASH_BYTES)
}

/** `cache/b/…` */
export function blockKey(partition: Uint8Array, block: Uint8Array): Uint8Array {
  return concatBytes(keysOf('b', partition), block)
}

/** `cache/t/…` */
export function useKey(partition: Uint8Array, owner: Uint8Array, index: number): Uint8Array {
  return concatBytes(keysOf('t', partition), owner, u32(Math.floor(index / PAGE_BLOCKS)))
}

/** The reference by which a block keeps its stored stream. */
export function blockReference(partition: Uint8Array, block: Uint8Array): Uint8Array {
  return concatBytes(encode('cache/'), partition, block)
}

/**
 * The name of a block whose digest is not known: made from what tells its version, and its index. An etag that is a digest
 * does not name the bytes by itself: nobody has compared them, and another server may claim what it likes.
 */
export async function blockNameOf(
  { alias, etag, size }: { alias: string; etag: string; size: number },
  index: number,
): Promise<Uint8Array> {
  return sha256(encode(JSON.stringify(['block by etag', alias, etag, size, index])))
}

async function hash16(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return (await sha256(bytes)).slice(0, HASH_BYTES)
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeU32(bytes, 0, value)
  return bytes
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
