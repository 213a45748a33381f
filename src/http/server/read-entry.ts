import { ConflictError, NotFoundError } from '../../errors.ts'
import type { Entry } from '../../hive/hive.ts'
import type { Answer } from './answer.ts'
import { evaluateConditions, ifRangeHolds } from './conditions.ts'
import { entryHeaders, VERSION_HEADER } from '../protocol/entry-headers.ts'
import { SIGNATURE_TYPE } from '../protocol/media-types.ts'
import type { HiveRequest } from './hive-request.ts'
import { StatusError } from './status-error.ts'
import { parseRange } from '../protocol/range-header.ts'
import { untrustedHeaders } from './untrusted.ts'

/** A cache must ask before it answers, and a proxy must not re-code the bytes that the etag stands for. */
const CACHING = { 'Cache-Control': 'no-cache, no-transform' }

/** Answers GET and HEAD of an entry. The answer is of the version that is opened here, to its end. */
export async function readEntry(asked: HiveRequest): Promise<Answer> {
  const { request, alias } = asked
  const asOfMs = Date.now()
  const entry = await openVersion(asked)
  const headers = {
    ...entryHeaders(entry, asOfMs),
    ...reprDigest(entry.etag),
    ...CACHING,
    ...untrustedHeaders(entry.type),
    'Accept-Ranges': 'bytes',
  }
  const found = await releasing(entry, () => evaluateConditions(request, alias, entry))
  if (found === 'not-modified') {
    await entry.close()
    return { status: 304, headers }
  }

  const described = { ...headers, 'Content-Type': entry.type }
  if (request.method === 'HEAD') {
    await entry.close()
    return { status: 200, headers: { ...described, 'Content-Length': String(entry.size) } }
  }
  const rangeHeader = ifRangeHolds(request.headers, entry) ? request.headers.get('range') : null
  const range = parseRange(rangeHeader, entry.size)
  if (range === 'unsatisfiable') {
    await entry.close()
    throw new StatusError(416, new RangeError(`the range is not in the entry, which has ${entry.size} bytes`), {
      ...headers,
      'Content-Range': `bytes */${entry.size}`,
    })
  }
  const { start, end } = range ?? { start: 0, end: entry.size }
  if (end === start) await entry.close()
  const length = { 'Content-Length': String(end - start) }
  const place = range && { 'Content-Range': `bytes ${start}-${end - 1}/${entry.size}` }
  return {
    status: range ? 206 : 200,
    headers: { ...described, ...length, ...place },
    body: end === start ? undefined : streamed(entry, (opened) => opened.stream({ start, end })),
  }
}

/**
 * Answers GET and HEAD of `?signature`. A signature has an ETag of its own; another header field says which version it
 * belongs to.
 */
export async function readSignature(asked: HiveRequest): Promise<Answer> {
  const { request, alias } = asked
  const asOfMs = Date.now()
  const entry = await openVersion(asked)
  const own = { etag: entry.etag.replace(/"$/, '.signature"'), modified: entry.modified }
  const headers = {
    ...entryHeaders(own, asOfMs),
    ...CACHING,
    ...untrustedHeaders(SIGNATURE_TYPE),
    [VERSION_HEADER]: entry.etag,
    'Accept-Ranges': 'none',
  }
  const found = await releasing(entry, () => evaluateConditions(request, alias, own))
  if (found === 'not-modified' || request.method === 'HEAD') {
    await entry.close()
    return found ? { status: 304, headers } : { status: 200, headers: { ...headers, 'Content-Type': SIGNATURE_TYPE } }
  }
  return {
    status: 200,
    headers: { ...headers, 'Content-Type': SIGNATURE_TYPE },
    body: streamed(entry, (opened) => opened.signature()),
  }
}

/** Opens the version that the answer is of, from its first byte to its last. */
async function openVersion({ hive, alias, version }: HiveRequest): Promise<Entry> {
  const opened = hive.open(alias, { consistency: 'snapshot' })
  if (version === undefined) return opened

  const entry = await opened.catch((error: Error) => {
    if (error.name !== 'NotFoundError') throw error
    throw new StatusError(410, new NotFoundError(`the entry has been removed: ${alias}`, { alias, cause: error }))
  })
  if (entry.etag === version) return entry
  await entry.close()
  throw new StatusError(
    412,
    new ConflictError(`the entry has another version: ${alias}`, {
      alias,
      expectedEtag: version,
      actualEtag: entry.etag,
    }),
  )
}

function streamed(entry: Entry, read: (entry: Entry) => ReadableStream<Uint8Array<ArrayBuffer>>): Answer['body'] {
  return { stream: read(entry), release: () => void entry.close() }
}

async function releasing<T>(entry: Entry, step: () => T): Promise<T> {
  try {
    return step()
  } catch (error) {
    await entry.close()
    throw error
  }
}

/** The digest of the whole entry (RFC 9530), from which a hive makes the etag; the same on every range. */
function reprDigest(etag: string): Record<string, string> {
  const digest = /^"([\w-]{43})"$/.exec(etag)?.[1]
  return digest ? { 'Repr-Digest': `sha-256=:${digest.replaceAll('-', '+').replaceAll('_', '/')}=:` } : {}
}
