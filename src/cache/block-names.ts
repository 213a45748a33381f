import { fromBase64 } from '../bytes/byte-text.ts'
import type { ByteRange } from '../bytes/byte-range.ts'
import { isTransient } from '../bytes/is-transient.ts'
import { digestInEtag } from '../hive/entry-record.ts'
import type { EntryManifest } from '../hive/entry-manifest.ts'
import type { StreamStore } from '../store/stream-store.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { type AliasKey, blockNameOf, PAGE_BLOCKS, pageKey, versionHash } from './cache-keys.ts'
import { formatPage, type PageDigests, parsePage, type VersionRecord } from './cache-records.ts'
import { parseRecord, readRecord } from './cache-store.ts'

/** Bytes of a block, unless a manifest says otherwise: the blocks of a manifest that a hive computes. */
const BLOCK_BYTES = 1_000_000
/** Shortest block that is kept: what a block costs besides its bytes is 512 bytes. */
const MIN_BLOCK_BYTES = 512
/** Longest block that is kept: it is held in memory. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024
/**
 * Blocks whose digests are asked for before anything is read: the server reads and hashes them before it answers, and the
 * first bytes wait for that.
 */
const FIRST_ASKED = 1
/** Blocks whose digests are asked for next. */
const NEXT_ASKED = 4
/** Pages of digests that are held in memory: 4,096 blocks. */
const HELD_PAGES = 64

/** Asks the hive for the digests of the blocks of a range, or of the first of them. */
export type AskManifest = (range: ByteRange, signal: AbortSignal | undefined) => Promise<EntryManifest>

/** A version whose blocks are named. */
export interface NamedVersion extends Pick<VersionRecord, 'etag' | 'size' | 'names' | 'blockLength'> {
  readonly partition: Uint8Array
  readonly alias: AliasKey
}

/**
 * The names of the blocks of one version: their digests, from the etag, from rows of the cache, or from the hive; or names
 * made from the etag, if the hive gives no digests.
 */
export class BlockNames {
  readonly version: NamedVersion
  readonly #store: StreamStore
  readonly #ask: AskManifest | undefined
  readonly #hash: Promise<Uint8Array>
  readonly #pages = new Map<number, PageDigests>()
  /** Pages with digests that are not known to be in rows. */
  readonly #unwritten = new Set<number>()
  #asked = NEXT_ASKED

  /** Without `ask`, only digests that the cache knows are found. */
  constructor(store: StreamStore, version: NamedVersion, ask?: AskManifest) {
    this.#store = store
    this.version = version
    this.#ask = ask
    this.#hash = versionHash(version)
  }

  /** Number of blocks. */
  get count(): number {
    return Math.ceil(this.version.size / this.version.blockLength)
  }

  /** The bytes of a block in the version. */
  rangeOf(index: number): ByteRange {
    const { blockLength, size } = this.version
    return { start: index * blockLength, end: Math.min((index + 1) * blockLength, size) }
  }

  /** The name of a block; undefined if the hive does not tell its digest. */
  async find(index: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const known = await this.known(index)
    if (known || !this.#ask) return known
    const { blockLength, size } = this.version
    const start = index * blockLength
    const page = Math.floor(index / PAGE_BLOCKS)
    const last = Math.min(index + this.#asked, (page + 1) * PAGE_BLOCKS)
    const manifest = await this.#ask({ start, end: Math.min(last * blockLength, size) }, signal)
    this.#asked = Math.min(this.#asked * 4, PAGE_BLOCKS)
    this.learn(manifest)
    return this.#pages.get(page)?.[index % PAGE_BLOCKS]
  }

  /** The name of a block, as far as it is known without asking the hive. */
  async known(index: number): Promise<Uint8Array | undefined> {
    const { etag, size, blockLength, names, alias } = this.version
    if (names === 'etag') return blockNameOf({ alias: alias.alias, etag, size }, index)
    if (size <= blockLength) {
      const digest = digestInEtag(etag)
      if (digest) return digest
    }
    return (await this.#page(Math.floor(index / PAGE_BLOCKS)))[index % PAGE_BLOCKS]
  }

  /** Takes the digests of an answer of the hive, if it is about this version. */
  learn({ start, digests, blockLength, etag, size }: EntryManifest): void {
    const { version } = this
    if (blockLength !== version.blockLength || etag !== version.etag || size !== version.size) return
    for (const [i, text] of digests.entries()) {
      const index = start / blockLength + i
      const page = Math.floor(index / PAGE_BLOCKS)
      const known = this.#pages.get(page) ?? this.#hold(page, Array.from({ length: PAGE_BLOCKS }))
      known[index % PAGE_BLOCKS] = fromBase64(text)
      this.#unwritten.add(page)
    }
  }

  /** Whether a row should be written with the digests of the page of a block. */
  isUnwritten(index: number): boolean {
    return this.#unwritten.has(Math.floor(index / PAGE_BLOCKS))
  }

  /** Writes the digests that are known of the page of a block, together with those that others have written. */
  async write(tx: Transaction, index: number): Promise<void> {
    const page = Math.floor(index / PAGE_BLOCKS)
    const known = this.#pages.get(page)
    this.#unwritten.delete(page)
    if (!known) return
    const key = await this.#pageKey(page)
    const stored = parseRecord(await tx.get(key), parsePage) ?? []
    if (known.every((digest, i) => digest === undefined || stored[i] !== undefined)) return
    tx.set(key, formatPage(Array.from({ length: PAGE_BLOCKS }, (_, i) => known[i] ?? stored[i])))
  }

  async #page(page: number): Promise<PageDigests> {
    const held = this.#pages.get(page)
    if (held) return held
    const stored = await readRecord(this.#store, await this.#pageKey(page), parsePage)
    // Somebody else may have been faster.
    return this.#pages.get(page) ?? this.#hold(page, stored ?? Array.from({ length: PAGE_BLOCKS }))
  }

  #hold(page: number, digests: PageDigests): PageDigests {
    this.#pages.set(page, digests)
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= HELD_PAGES) break
      this.#pages.delete(oldest)
    }
    return digests
  }

  async #pageKey(page: number): Promise<Uint8Array> {
    const { partition, alias } = this.version
    return pageKey(partition, alias, await this.#hash, page)
  }
}

/** How the blocks of a version are named; the answer that told, if the hive was asked. */
export interface BlockNaming extends Pick<VersionRecord, 'names' | 'blockLength'> {
  readonly manifest?: EntryManifest | undefined
}

/**
 * Finds out how the blocks of a version are named. The hive is asked for the digests of the first blocks of a range,
 * unless the etag tells enough.
 *
 * @throws what the hive fails with, if it may answer later.
 */
export async function findNaming(
  version: { etag: string; size: number },
  ask: AskManifest | undefined,
  start: number,
): Promise<BlockNaming> {
  const { etag, size } = version
  if (!ask) return { names: 'etag', blockLength: BLOCK_BYTES }
  if (size <= BLOCK_BYTES && digestInEtag(etag)) return { names: 'digests', blockLength: BLOCK_BYTES }
  try {
    const end = Math.min(start + FIRST_ASKED * BLOCK_BYTES, size)
    const manifest = await ask({ start, end }, undefined)
    if (manifest.blockLength >= MIN_BLOCK_BYTES && manifest.blockLength <= MAX_BLOCK_BYTES) {
      return { names: 'digests', blockLength: manifest.blockLength, manifest }
    }
  } catch (error) {
    const { name } = error as Error
    if (isTransient(error) || name === 'ConflictError' || name === 'NotFoundError') throw error
    // A server that knows nothing of manifests.
  }
  return { names: 'etag', blockLength: BLOCK_BYTES }
}
