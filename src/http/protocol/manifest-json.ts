/**
 * The answer to `GET /ALIAS?manifest&start=START&end=END`: docs/http.md, "Manifest".
 *
 * ```text
 * { "etag": string, "size": integer, "blockLength": integer, "start": integer, "digests": [string], "next"?: integer }
 * ```
 *
 * @module
 */
import type { ByteRange } from '../../bytes/byte-range.ts'
import { FormatError } from '../../errors.ts'
import type { EntryManifest } from '../../hive/entry-manifest.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import { isRecord } from './is-record.ts'

/** Largest answer, in bytes: some 20,000 digests. */
export const MAX_MANIFEST_BYTES: number = 1024 * 1024
/** Longest block: a client holds one in memory while it checks it. */
const MAX_MANIFEST_BLOCK_BYTES: number = 16 * 1024 * 1024

/**
 * Reads a manifest from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is not one, or not that of the beginning of this range of this version.
 */
export function manifestFromJson(
  value: unknown,
  version: Pick<EntryInfo, 'etag' | 'size'>,
  range: ByteRange,
  status: number,
): EntryManifest {
  const { etag, size, blockLength, start, digests, next } = isRecord(value) ? value : {}
  if (
    etag === version.etag &&
    size === version.size &&
    isInteger(blockLength, 1, MAX_MANIFEST_BLOCK_BYTES) &&
    start === range.start - (range.start % blockLength) &&
    Array.isArray(digests) &&
    digests.every(isDigest)
  ) {
    const manifest = { etag, size, blockLength, start, digests }
    const end = start + digests.length * blockLength
    if (next === undefined && (end >= range.end || range.start === range.end)) return manifest
    if (next === end && next > start && next < range.end) return { ...manifest, next }
  }
  throw new FormatError('the answer is not the manifest that was asked for: is this a hive?', {
    reason: 'invalid',
    status,
  })
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{43}$/.test(value)
}
