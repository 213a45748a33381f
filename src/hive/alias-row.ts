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

/** What is to be replaced or removed: a version, or a row that is damaged. */
export interface Replaced {
  /** Etag of the version; {@linkcode DAMAGED_ETAG} if the row is damaged. */
  readonly etag: string
  /** Id of the stored stream that the alias keeps; undefined if the row is damaged and does not tell. */
  readonly id: string | undefined
  /** Id of the stored stream that is the signature, if there is one. */
  readonly signatureId: string | undefined
  /** When the version was committed; undefined if the row is damaged. */
  readonly modifiedMs: number | undefined
  /** What is wrong with the row. */
  readonly damage: IntegrityError | undefined
}

/**
 * Reads the row of an alias that is to be written over, which a damaged one may be.
 *
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export function readReplaced(alias: string, row: Uint8Array): Replaced {
  try {
    const record = readAliasRow(alias, row)
    return { ...record, etag: etagOf(record.digest), damage: undefined }
  } catch (error) {
    if ((error as Error).name !== 'IntegrityError') throw error
    // A wrong id harms nobody: only a reference of this alias is removed with it.
    return { ...streamsIn(row), etag: DAMAGED_ETAG, modifiedMs: undefined, damage: error as IntegrityError }
  }
}

/**
 * Holds a precondition against what is to be replaced.
 *
 * @throws {AlreadyExistsError} if there must be nothing.
 * @throws {ConflictError} if there must be another version, or one at all.
 * @throws {IntegrityError} if there must be a certain version, and the damaged row does not tell which one there is.
 */
export function assertReplaceable(alias: string, replaced: Replaced | undefined, precondition: Precondition): void {
  const { ifMatch } = precondition
  if (replaced?.damage && ifMatch !== undefined && ifMatch !== '*' && ifMatch !== DAMAGED_ETAG) throw replaced.damage
  assertPrecondition(alias, replaced?.etag, precondition)
}
