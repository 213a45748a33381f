import { ConflictError, NotFoundError } from '../../errors.ts'
import { digestInEtag } from '../../hive/entry-record.ts'
import type { Entry } from '../../hive/hive.ts'
import { storedBlob } from '../../hive/pinned-entry.ts'
import { answerRead, bodyStream, CACHING } from '../../representation/answer-read.ts'
import { evaluateConditions } from '../../representation/conditions.ts'
import { untrustedHeaders } from '../../representation/untrusted.ts'
import { versionHeaders } from '../../representation/version-headers.ts'
import type { Answer } from './answer.ts'
import { VERSION_HEADER } from '../protocol/entry-headers.ts'
import { SIGNATURE_TYPE } from '../protocol/media-types.ts'
import type { HiveRequest } from './hive-request.ts'
import { StatusError } from './status-error.ts'

/** Answers GET and HEAD of an entry. The answer is of the version that is opened here, to its end. */
export async function readEntry(asked: HiveRequest): Promise<Answer> {
  const asOfMs = Date.now()
  const entry = await openVersion(asked)
  const digest = digestInEtag(entry.etag)
  const { status, headers, bytes } = await releasing(entry, () => answerRead(asked.request, entry, { asOfMs, digest }))
  const blob = asked.takesBlob && bytes && !('parts' in bytes) ? await storedBlob(entry, bytes) : undefined
  if (bytes && !blob) {
    const body = streamed(entry, (opened) => bodyStream(bytes, (range) => opened.stream(range)))
    return { status, headers, body }
  }
  await entry.close()
  if (status !== 416) return { status, headers, body: blob }
  throw new StatusError(416, new RangeError(`the range is not in the entry, which has ${entry.size} bytes`), headers)
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
    ...versionHeaders(own, asOfMs),
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
export async function openVersion({ hive, alias, version, named }: HiveRequest): Promise<Entry> {
  const options = { consistency: 'snapshot' } as const
  if (version === undefined) return hive.open(alias, options)
  if (named) return named

  const entry = await hive.open(alias, options).catch((error: Error) => {
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
