import { compareBytes } from '../../bytes/byte-order.ts'
import { FormatError } from '../../errors.ts'
import type { EntryList } from '../../hive/hive.ts'
import { listedEntryFromJson } from '../protocol/entry-json.ts'
import { isRecord } from '../protocol/is-record.ts'

/**
 * Reads a list of entries from the JSON of an answer with this status.
 *
 * @throws {FormatError} if it is not one.
 */
export function listFromJson(list: unknown, status: number): EntryList {
  const { entries, next } = isRecord(list) ? list : {}
  if (!Array.isArray(entries) || (next !== undefined && typeof next !== 'string')) {
    throw new FormatError('the answer is not a list: is this a hive?', { reason: 'invalid', status })
  }
  return { entries: entries.map((entry) => listedEntryFromJson(entry, status)), ...(next !== undefined && { next }) }
}

/** What was requested, and the status of the answer. */
export interface AskedList {
  readonly prefix: string
  readonly after: string | undefined
  readonly limit: number
  /** Status code of the answer. */
  readonly status: number
}

/**
 * Makes sure that a list is what was requested. With other entries, or with a `next` that does not lead further, a
 * stream of entries would be wrong or endless.
 *
 * @throws {FormatError} if it is not.
 */
export function assertAsked({ entries, next }: EntryList, { prefix, after, limit, status }: AskedList): void {
  if (entries.length > limit) {
    throw new FormatError(`asked for ${limit} entries, got ${entries.length}`, { reason: 'invalid', status })
  }
  let last = after
  for (const { alias } of entries) {
    if (!alias.startsWith(prefix) || !isAfter(alias, last)) {
      throw new FormatError(`the list has an entry that was not asked for: ${alias}`, { reason: 'invalid', status })
    }
    last = alias
  }
  if (next !== undefined && (entries.length === 0 || isAfter(last!, next))) {
    throw new FormatError('the next page of the list would not be after this one', { reason: 'invalid', status })
  }
}

/** Whether an alias comes later in a list, which is in the order of the UTF-8 bytes. */
function isAfter(alias: string, before: string | undefined): boolean {
  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
  return before === undefined || compareBytes(utf8(alias), utf8(before)) > 0
}
