import { equalBytes } from '../bytes/byte-order.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { abortable } from '../bytes/promises.ts'
import { FormatError, QuotaExceededError } from '../errors.ts'
import type { Keeping } from './block-cache.ts'
import type { BlockNames } from './block-names.ts'
import { changeGeneration } from './change-generation.ts'
import { type AliasKey, versionKey } from './cache-keys.ts'
import { formatVersion, parseVersion, type VersionRecord } from './cache-records.ts'
import type { CachedVersion } from './cached-version.ts'
import { parseRecord } from './cache-store.ts'
import { ROW_BYTES } from './cache-usage.ts'
import type { HiveCache, Pinning } from './hive-cache.ts'
import { listPins, type Pin } from './pinned-blocks.ts'

/** How far a version that is being pinned is here. */
export interface PinProgress {
  /** Bytes of the version that the cache has. */
  readonly bytes: number
  /** Bytes of the version. */
  readonly size: number
}

/** How often it is made sure that all blocks are there: another tab may have been removing some when the pin was set. */
const TRIES = 3

/**
 * Pins a version: its blocks are not evicted from then on. Fetches those that are missing.
 *
 * @throws {QuotaExceededError} before anything is fetched, if the pinned versions would be larger than the budget; or if the
 *   store is full.
 * @throws {FormatError} with `reason: 'unsupported'` if the server forbids keeping the bytes.
 */
export async function pinVersion(
  cache: HiveCache,
  alias: AliasKey,
  version: CachedVersion,
  {
    signal,
    onProgress,
  }: { signal?: AbortSignal | undefined; onProgress?: ((progress: PinProgress) => void) | undefined },
): Promise<void> {
  const { size } = version.info
  const names = await version.names(0, signal)
  if (!names && size > 0) throw version.namingError ?? notKept(cache, version)
  const record = version.record(names?.version ?? EMPTY)
  const pinning: Pinning = cache.pinning.get(alias.alias) ?? { count: 0, former: cache.rows.get('p', alias) }
  cache.pinning.set(alias.alias, pinning)
  pinning.count++
  try {
    // Without it, nothing could be restored, so nothing is set.
    await pinning.former
    await setPin(cache, alias, version, record)
    if (names) await fetchAll(cache, version, names, signal, (bytes) => onProgress?.({ bytes, size }))
    if (!(await isPinned(cache, alias, record))) {
      throw new DOMException('the entry was unpinned meanwhile, or another version was pinned', 'AbortError')
    }
    pinning.former = Promise.resolve(record)
  } catch (error) {
    if (pinning.count === 1) await restorePin(cache, alias, record, await pinning.former)
    throw error
  } finally {
    if (--pinning.count === 0) cache.pinning.delete(alias.alias)
  }
  await cache.rows.tidyPages(alias)
}

/** Lets the blocks of the pinned version be evicted. */
export async function unpin(cache: HiveCache, alias: AliasKey): Promise<void> {
  const key = versionKey('p', await cache.rows.partition, alias)
  await cache.store.transaction(async (tx) => {
    tx.delete(key)
    await changeGeneration(tx, cache.blocks.host)
  })
  await cache.rows.tidyPages(alias)
}

const EMPTY = { names: 'digests', blockLength: 1 } as const

function notKept(cache: HiveCache, { info }: CachedVersion): Error {
  const { alias, size } = info
  if (size + ROW_BYTES > cache.blocks.limit) return tooLarge(cache)
  const message = `the entry must not be kept, as its server says, or cannot be told from another version: ${alias}`
  return new FormatError(message, { reason: 'unsupported' })
}

function noRoom(cache: HiveCache): QuotaExceededError {
  return new QuotaExceededError('the store has no room for the version', { limit: cache.blocks.limit })
}

function tooLarge(cache: HiveCache): QuotaExceededError {
  const { limit } = cache.blocks
  return new QuotaExceededError(`the pinned versions would be larger than the cache: ${limit} bytes`, { limit })
}

/** Sets the row of the pin. */
async function setPin(cache: HiveCache, alias: AliasKey, version: CachedVersion, record: VersionRecord): Promise<void> {
  const partition = await cache.rows.partition
  const isOwn = (pin: Pin): boolean => pin.version.alias === alias.alias && equalBytes(pin.partition, partition)
  const pins = (await listPins(cache.store)).filter((pin) => !isOwn(pin))
  const others = pins.reduce((sum, pin) => sum + costOf(pin.version), 0)
  if (others + costOf(record) > cache.blocks.limit) throw tooLarge(cache)
  await cache.store.transaction(async (tx) => {
    await version.assertNotCleared(tx)
    tx.set(versionKey('p', partition, alias), formatVersion(record))
    await changeGeneration(tx, cache.blocks.host)
    await cache.rows.note(tx, alias, record)
  })
}

/** Whether this version is the one that is pinned. */
async function isPinned(cache: HiveCache, alias: AliasKey, { etag, size }: VersionRecord): Promise<boolean> {
  const pinned = await cache.rows.get('p', alias)
  return pinned?.etag === etag && pinned.size === size
}

/** Takes back a pin that failed, unless the entry was unpinned meanwhile, or another version was pinned. */
async function restorePin(
  cache: HiveCache,
  alias: AliasKey,
  { etag, size }: VersionRecord,
  former: VersionRecord | undefined,
): Promise<void> {
  const key = versionKey('p', await cache.rows.partition, alias)
  await cache.store.transaction(async (tx) => {
    const pinned = parseRecord(await tx.get(key), parseVersion)
    if (pinned?.etag !== etag || pinned.size !== size) return
    if (former) tx.set(key, formatVersion(former))
    else tx.delete(key)
    await changeGeneration(tx, cache.blocks.host)
  })
}

/** Bytes that a pinned version needs. */
export function costOf({ size, blockLength }: VersionRecord): number {
  return size + Math.ceil(size / blockLength) * ROW_BYTES
}

/** Fetches the blocks that are missing until none is. */
async function fetchAll(
  cache: HiveCache,
  version: CachedVersion,
  names: BlockNames,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const missing = await fetchMissing(cache, version, names, signal, onBytes)
    if (missing === 0 && tries > 0) return
    if (tries === TRIES) throw noRoom(cache)
    // Whoever looks for blocks to evict from here on knows all the digests.
    await cache.store.transaction((tx) => changeGeneration(tx, cache.blocks.host))
  }
}

/** Fetches the blocks that are missing, and writes all digests. Returns how many were missing. */
async function fetchMissing(
  cache: HiveCache,
  version: CachedVersion,
  names: BlockNames,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const { partition } = names.version
  let missing = 0
  let bytes = 0
  let run: ReturnType<CachedVersion['startRun']> | undefined
  let keeping: Promise<Keeping> | undefined
  const leave = (): void => {
    run?.leave()
    run = undefined
  }
  try {
    for (let index = 0; index < names.count; index++) {
      signal?.throwIfAborted()
      const name = await names.find(index, signal)
      const isHere =
        name !== undefined && (await cache.blocks.find(partition, name, names.rangeOf(index))) !== undefined
      if (isHere) {
        leave()
        const write = async (tx: Transaction): Promise<void> => {
          await version.assertNotCleared(tx)
          await names.write(tx, index)
        }
        await cache.store.transaction(write, { signal })
      } else {
        missing++
        if (!run?.offers(index)) {
          leave()
          const end = await endOfMissing(cache, names, index)
          run = version.startRun(names, { first: index, end }, Infinity, (promise) => {
            keeping = promise
          })
          run.join()
        }
        const block = await run.block(index)
        while (block.filled < block.bytes.byteLength) {
          signal?.throwIfAborted()
          await (signal ? abortable(run.pull(), signal) : run.pull())
        }
        throwUnlessKept(cache, version, await keeping!)
      }
      const range = names.rangeOf(index)
      bytes += range.end - range.start
      onBytes(bytes)
    }
  } finally {
    leave()
  }
  return missing
}

/** @throws if a block was not kept, with what explains it. */
function throwUnlessKept(cache: HiveCache, version: CachedVersion, keeping: Keeping): void {
  switch (keeping.kind) {
    case 'kept':
      return
    case 'full':
      throw noRoom(cache)
    case 'givenUp':
      throw new DOMException('the cache was cleared meanwhile, or keeps nothing any more', 'AbortError')
    case 'unnamed':
      throw notKept(cache, version)
    case 'failed':
      throw keeping.error
  }
}

/** The index after the blocks that are missing from `index` on, as far as they are known. */
async function endOfMissing(cache: HiveCache, names: BlockNames, index: number): Promise<number> {
  const most = Math.min(index + 256, names.count)
  for (let end = index + 1; end < most; end++) {
    const name = await names.known(end)
    if (!name || (await cache.blocks.find(names.version.partition, name, names.rangeOf(end)))) return end
  }
  return most
}
