import { FormatError } from '../../errors.ts'
import { checkAlias } from '../../hive/alias.ts'
import type { EntryInfo, ListedEntry } from '../../hive/hive.ts'
import { isStrongEtag } from '../../representation/header-values.ts'
import { isRecord } from './is-record.ts'

/** An entry in JSON: the answer to a delta, and a member of a list. */
export interface EntryJson {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** Strong validator, quotes included. */
  readonly etag: string
  /** Media type. */
  readonly type: string
  /** Time of the commit, ISO 8601 in UTC. */
  readonly modified: string
}

/** An entry of a list in JSON. */
export interface ListedEntryJson extends EntryJson {
  /** What is wrong with the entry, if the hive cannot read what it knows of it. */
  readonly damage?: string
}

/** A list of entries in JSON. */
export interface ListJson {
  /** The entries, in the order of the UTF-8 bytes of their aliases. */
  readonly entries: readonly ListedEntryJson[]
  /** Value of `after` for the next request; absent if there is nothing more. */
  readonly next?: string
}

/** An entry as it stands in JSON. */
export function entryToJson({ alias, size, etag, type, modified }: EntryInfo): EntryJson {
  return { alias, size, etag, type, modified: modified.toISOString() }
}

/** An entry of a list as it stands in JSON. */
export function listedEntryToJson(entry: ListedEntry): ListedEntryJson {
  return { ...entryToJson(entry), ...(entry.damage !== undefined && { damage: entry.damage }) }
}

/**
 * Reads an entry of a list from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is not one.
 */
export function listedEntryFromJson(value: unknown, status: number): ListedEntry {
  const entry = entryFromJson(value, status)
  const damage = isRecord(value) ? value['damage'] : undefined
  return typeof damage === 'string' ? { ...entry, damage } : entry
}

/**
 * Reads an entry from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is not one.
 */
export function entryFromJson(value: unknown, status: number): EntryInfo {
  const entry = isRecord(value) ? value : {}
  const { alias, size, etag, type } = entry
  const modified = new Date(typeof entry['modified'] === 'string' ? entry['modified'] : Number.NaN)
  if (
    typeof alias !== 'string' ||
    typeof size !== 'number' ||
    !Number.isSafeInteger(size) ||
    size < 0 ||
    typeof etag !== 'string' ||
    !isStrongEtag(etag) ||
    typeof type !== 'string' ||
    Number.isNaN(modified.getTime())
  ) {
    throw new FormatError('the answer has something that is not an entry: is this a hive?', {
      reason: 'invalid',
      status,
    })
  }
  try {
    // The server chose the name, and it may end up in a path.
    checkAlias(alias)
  } catch (cause) {
    throw new FormatError('the answer has an entry whose name is not an alias', { reason: 'invalid', status, cause })
  }
  return { alias, size, etag, type, modified }
}
