import type { IntegrityError } from '../errors.ts'
import { parseAtRest } from '../store/rows/at-rest.ts'
import { DAMAGED_ETAG, type EntryRecord, etagOf, parseEntryRecord, streamsIn } from './entry-record.ts'
import { assertPrecondition, type Precondition } from './precondition.ts'

/**
 * Reads the row of an alias.
 *
 * @throws {IntegrityError} if it is damaged.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export function readAliasRow(alias: string, row: Uint8Array): EntryRecord {
  return parseAtRest(`the entry ${alias}`, { alias }, row, parseEntryRecord)
}

/** What is about to be replaced or removed: a version, or a damaged row. */
export interface Replaced {
  /** Etag of the version; {@linkcode DAMAGED_ETAG} if the row is damaged. */
  readonly etag: string
  /** Id of the stored stream that the alias keeps; undefined if the row is too damaged to say. */
  readonly id: string | undefined
  /** Id of the stored stream that is the signature, if there is one. */
  readonly signatureId: string | undefined
  /** When the version was committed; undefined if the row is damaged. */
  readonly modifiedMs: number | undefined
  /** What is wrong with the row. */
  readonly damage: IntegrityError | undefined
}

/**
 * Reads the row of an alias that is about to be overwritten; it may be damaged.
 *
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export function readReplaced(alias: string, row: Uint8Array): Replaced {
  try {
    const record = readAliasRow(alias, row)
    return { ...record, etag: etagOf(record.digest), damage: undefined }
  } catch (error) {
    if ((error as Error).name !== 'IntegrityError') throw error
    // A wrong id does no harm: only a reference of this alias is removed with it.
    return { ...streamsIn(row), etag: DAMAGED_ETAG, modifiedMs: undefined, damage: error as IntegrityError }
  }
}

/**
 * Checks a precondition against what is about to be replaced.
 *
 * @throws {AlreadyExistsError} if there must not be an entry.
 * @throws {ConflictError} if there must be an entry, or another version.
 * @throws {IntegrityError} if there must be a certain version, and the damaged row does not say which one there is.
 */
export function assertReplaceable(alias: string, replaced: Replaced | undefined, precondition: Precondition): void {
  const { ifMatch } = precondition
  if (replaced?.damage && ifMatch !== undefined && ifMatch !== '*' && ifMatch !== DAMAGED_ETAG) throw replaced.damage
  assertPrecondition(alias, replaced?.etag, precondition)
}
