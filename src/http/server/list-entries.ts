import { describeValue } from '../../bytes/describe-value.ts'
import { IntegrityError } from '../../errors.ts'
import type { Hive } from '../../hive/hive.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import { listedEntryToJson, type ListJson, parseDigits } from '../protocol/format.ts'
import type { Exchange } from './exchange.ts'
import { StatusError } from '../protocol/problem.ts'

/** Largest number of entries that a request may ask for. */
export const MAX_LIST_ENTRIES = 1000

/** Answers GET of the root: a page of the entries. `maxEntries` is what this server gives at most. */
export async function listEntries(
  request: Request,
  hive: Hive,
  maxEntries: number,
  exchange: Exchange,
): Promise<Answer> {
  const query = new URL(request.url).searchParams
  const asked = query.has('limit') ? parseDigits(query.get('limit')) : MAX_LIST_ENTRIES
  if (asked === undefined || asked < 1 || asked > MAX_LIST_ENTRIES) {
    throw new StatusError(
      400,
      new RangeError(`limit must be from 1 to ${MAX_LIST_ENTRIES}, got ${describeValue(query.get('limit'))}`),
    )
  }
  const limit = Math.min(asked, maxEntries)
  const after = query.get('after') ?? undefined
  const { entries, next } = await hive.list({ prefix: query.get('prefix') ?? '', after, limit })
  for (const { alias, damage } of entries) {
    if (damage !== undefined) exchange.report(new IntegrityError(damage, { alias }))
  }
  const list: ListJson = { entries: entries.map(listedEntryToJson), ...(next !== undefined && { next }) }
  return jsonAnswer(200, list)
}
