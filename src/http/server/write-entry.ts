import { type FormatError, NotFoundError } from '../../errors.ts'
import { DAMAGED_ETAG } from '../../hive/entry-record.ts'
import type { EntryInfo, Hive } from '../../hive/hive.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import { evaluateConditions, hasConditions } from '../../representation/conditions.ts'
import type { HiveRequest } from './hive-request.ts'
import { versionHeaders } from '../../representation/version-headers.ts'
import { entryToJson } from '../protocol/entry-json.ts'
import { parseDigits } from '../../representation/header-values.ts'
import { DELTA_TYPE } from '../protocol/media-types.ts'
import { StatusError } from './status-error.ts'
import { receiveBody, tooLarge } from './receive-body.ts'

/** Carries out PUT: the body becomes the new version, wholly or not at all. */
export async function putEntry(asked: HiveRequest): Promise<Answer> {
  const { request, hive, alias } = asked
  const { headers } = request
  if (headers.has('content-range')) {
    throw new StatusError(400, 'PUT takes a whole entry, not a part of one (RFC 9110, section 14.5)')
  }
  refuseCoding(headers)
  refuseTooLarge(headers, asked.limits.uploadBytes)
  const current = await currentVersion(asked)

  const type = headers.get('content-type') || undefined
  const sink = wellFormed(() => hive.sink(alias, { ...commitCondition(headers, current), type }))
  const entry = await receiveBody(asked, sink)
  return {
    status: current ? 204 : 201,
    headers: { ...writtenHeaders(entry), ...(!current && { Location: request.url }) },
  }
}

/** Carries out PATCH: the body is a delta against the version that If-Match names. */
export async function patchEntry(asked: HiveRequest): Promise<Answer> {
  const { request, hive, alias } = asked
  const { headers } = request
  const [type] = headers.get('content-type')?.split(';') ?? []
  if (type?.trim().toLowerCase() !== DELTA_TYPE) {
    throw new StatusError(415, `PATCH takes ${DELTA_TYPE}`, { 'Accept-Patch': DELTA_TYPE })
  }
  refuseCoding(headers)
  refuseTooLarge(headers, asked.limits.uploadBytes)
  if (!headers.has('if-match')) {
    throw new StatusError(428, 'a delta is for one version: If-Match must name it (RFC 6585, section 3)')
  }
  const current = await hive.stat(alias)
  evaluateConditions(request, alias, current)

  const { ifMatch } = commitCondition(headers, current)
  const entry = await receiveBody(asked, hive.patchSink(alias, { ifMatch })).catch((error: unknown) => {
    throw isWrongDelta(error) ? new StatusError(422, error as FormatError) : error
  })
  return jsonAnswer(200, entryToJson(entry), writtenHeaders(entry))
}

/** Carries out DELETE. */
export async function removeEntry(asked: HiveRequest): Promise<Answer> {
  const { request, hive, alias } = asked
  const { headers } = request
  const current = await currentVersion(asked)
  if (!current) throw new NotFoundError(`there is no such entry: ${alias}`, { alias })
  const { ifMatch } = commitCondition(headers, current)
  await hive.remove(alias, { ifMatch: ifMatch === '*' ? undefined : ifMatch })
  return { status: 204 }
}

/** Carries out MOVE (RFC 4918, section 9.9). */
export async function moveEntry(asked: HiveRequest): Promise<Answer> {
  const { request, hive, alias, destination } = asked
  const { headers } = request
  if (destination === alias) throw new StatusError(403, 'the entry has this name already')
  const overwrite = readOverwrite(headers)
  const current = await hive.stat(alias)
  evaluateConditions(request, alias, current)
  const { ifMatch } = commitCondition(headers, current)
  const isNew = !overwrite || !(await exists(hive, destination))
  await hive.rename(alias, destination, { ifMatch, overwrite })
  return {
    status: isNew ? 201 : 204,
    headers: isNew ? { Location: new URL(headers.get('destination')!, request.url).href } : {},
  }
}

/** Reads the header field Overwrite (RFC 4918, section 10.6). */
function readOverwrite(headers: Headers): boolean {
  const overwrite = headers.get('overwrite') ?? 'T'
  if (overwrite === 'T' || overwrite === 'F') return overwrite === 'T'
  throw new StatusError(400, 'Overwrite must be T or F')
}

async function exists(hive: Hive, alias: string): Promise<boolean> {
  try {
    await hive.stat(alias)
    return true
  } catch (error) {
    // A damaged entry exists.
    return (error as Error).name !== 'NotFoundError'
  }
}

type Replaceable = Pick<EntryInfo, 'etag' | 'modified'>

/**
 * The version to replace or remove, once it has met the conditions of the request; undefined if there is none. A
 * damaged entry meets the conditions that only ask whether the entry exists.
 */
async function currentVersion({ request, hive, alias, log }: HiveRequest): Promise<Replaceable | undefined> {
  let current: Replaceable | undefined
  let damage: unknown
  try {
    current = await hive.stat(alias)
  } catch (error) {
    const { name } = error as Error
    if (name === 'IntegrityError') {
      damage = error
      current = { etag: DAMAGED_ETAG, modified: new Date(Number.NaN) }
    } else if (name !== 'NotFoundError') {
      throw error
    }
  }
  if (!current && request.method === 'DELETE') return undefined
  try {
    evaluateConditions(request, alias, current)
  } catch (error) {
    throw damage !== undefined && (error as Error).name === 'ConflictError' ? damage : error
  }
  if (damage !== undefined) log.report(damage)
  return current
}

/** Whether the delta is wrong. Stored rows are never malformed in this way: at most, a later version wrote them. */
function isWrongDelta(error: unknown): boolean {
  const { name, reason } = error as Partial<FormatError>
  return name === 'FormatError' && reason !== 'unsupported'
}

/** Describes a version that was just written as of its commit, since another one may have replaced it by now. */
function writtenHeaders(entry: EntryInfo): Record<string, string> {
  return versionHeaders(entry, Math.min(entry.modified.getTime(), Date.now()))
}

/** The condition to check again at the commit: that the version which met those of the request is still current. */
function commitCondition(
  headers: Headers,
  current: Replaceable | undefined,
): { ifMatch?: string | undefined; ifNoneMatch?: '*' | undefined } {
  if (!hasConditions(headers)) return {}
  if (!current) return { ifNoneMatch: '*' }
  const onlyExistence = headers.get('if-match')?.trim() === '*' && !headers.has('if-none-match')
  return { ifMatch: onlyExistence ? '*' : current.etag }
}

function refuseCoding(headers: Headers): void {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding === 'identity') return
  throw new StatusError(415, `the content coding ${coding} is not supported: send the bytes as they are`, {
    'Accept-Encoding': 'identity',
  })
}

function refuseTooLarge(headers: Headers, maxBytes: number): void {
  if ((parseDigits(headers.get('content-length')) ?? 0) > maxBytes) throw tooLarge(maxBytes)
}

/** Runs a call that checks values from the request: its TypeError is the client's fault. */
function wellFormed<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw (error as Error).name === 'TypeError' ? new StatusError(400, error as TypeError) : error
  }
}
