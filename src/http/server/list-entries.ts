import { describeValue } from '../../bytes/describe-value.ts'
import { IntegrityError } from '../../errors.ts'
import { MAX_LIST_ENTRIES } from '../../hive/list-options.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import { listedEntryToJson, type ListJson } from '../protocol/entry-json.ts'
import { parseDigits } from '../../representation/header-values.ts'
import type { HiveRequest } from './hive-request.ts'
import { StatusError } from './status-error.ts'

/** Answers GET of the hive itself: a page of its entries. */
export async function listEntries({ request, hive, prefix, limits, log }: HiveRequest): Promise<Answer> {
  const query = new URL(request.url).searchParams
  const asked = query.has('limit') ? parseDigits(query.get('limit')) : MAX_LIST_ENTRIES
  if (asked === undefined || asked < 1 || asked > MAX_LIST_ENTRIES) {
    throw new StatusError(
      400,
      new RangeError(`limit must be from 1 to ${MAX_LIST_ENTRIES}, got ${describeValue(query.get('limit'))}`),
    )
  }
  const limit = Math.min(asked, limits.listEntries)
  const after = query.get('after') ?? undefined
  const { entries, next } = await hive.list({ prefix, after, limit })
  for (const { alias, damage } of entries) {
    if (damage !== undefined) log.report(new IntegrityError(damage, { alias }))
  }
  const list: ListJson = { entries: entries.map(listedEntryToJson), ...(next !== undefined && { next }) }
  return jsonAnswer(200, list)
}
