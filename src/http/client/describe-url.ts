import { describeValue } from '../../bytes/describe-value.ts'
import { markHandled } from '../../bytes/promises.ts'
import { FormatError } from '../../errors.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import { isStrongEtag, parseDigits } from '../../representation/header-values.ts'
import { digestInHeaders } from '../protocol/content-digest.ts'
import { modifiedIn, noStoreIn } from '../protocol/entry-headers.ts'
import { UNKNOWN_TYPE } from '../protocol/media-types.ts'
import type { HttpClient } from './http-client.ts'
import { assertPlain } from './open-range.ts'

/** The version that a URL has now. */
export interface FoundVersion {
  /** Describes the version. */
  readonly info: EntryInfo
  /** SHA-256 of all its bytes, if the server tells it (RFC 9530). */
  readonly digest: Uint8Array | undefined
}

/** What is looked up. */
interface Target {
  readonly client: HttpClient
  readonly url: string
  readonly alias: string
  readonly signal: AbortSignal
}

/**
 * Finds out the size and the strong etag of a URL by requesting its first byte. HEAD is not enough: a URL that is
 * signed for GET refuses it, and a proxy that compresses sends a weak etag with everything but ranges.
 *
 * @throws {FormatError} if the server does not tell them.
 */
export async function describeUrl(target: Target): Promise<FoundVersion> {
  const { client, url, alias, signal } = target
  const response = await client.read({ method: 'GET', url, headers: { Range: 'bytes=0-0' }, signal })
  switch (response.status) {
    case 206:
      return describePart(target, response)
    case 200:
      // The whole, from a server that has no ranges, or that ignores any range of an empty file.
      return describeWhole(target, response)
    case 416:
      return describeEmpty(target, response)
    default:
      throw await client.errorOf(response, { alias }, signal)
  }
}

async function describePart(target: Target, response: Response): Promise<FoundVersion> {
  const { client, signal } = target
  const { headers, status } = response
  try {
    assertPlain(response)
    const contentRange = headers.get('content-range')
    const total = /^bytes 0-0\/(\d+|\*)$/i.exec(contentRange ?? '')?.[1]
    if (total === undefined) {
      const got = contentRange === null ? 'none: CORS must expose it to other origins' : describeValue(contentRange)
      throw new FormatError(`asked for the first byte, but Content-Range is ${got}`, { reason: 'invalid', status })
    }
    const etag = strongEtag(response)
    // Read rather than cancelled, which keeps the connection open for the requests that follow.
    await assertAtMostOneByte(client, response, signal)
    return found(target, response, etag, parseDigits(total) ?? (await sizeByHead(target, etag)))
  } catch (error) {
    if (response.body?.locked === false) markHandled(response.body.cancel(error))
    throw error
  }
}

async function describeWhole(target: Target, response: Response): Promise<FoundVersion> {
  markHandled(response.body?.cancel())
  assertPlain(response)
  const etag = strongEtag(response)
  const size = parseDigits(response.headers.get('content-length')) ?? (await sizeByHead(target, etag))
  return found(target, response, etag, size)
}

/** An empty file has no first byte, and a 416 often has no etag. */
async function describeEmpty(target: Target, refusal: Response): Promise<FoundVersion> {
  const { client, url, alias, signal } = target
  markHandled(refusal.body?.cancel())
  const response = await client.read({ method: 'GET', url, signal })
  if (!response.ok) throw await client.errorOf(response, { alias }, signal)
  const version = await describeWhole(target, response)
  if (version.info.size === 0) return version
  throw new FormatError(`the server refuses the first of ${version.info.size} bytes: it has no ranges`, {
    reason: 'unsupported',
    status: refusal.status,
  })
}

/** Some servers leave the total of a range open, or the length of an answer, but tell it when asked by HEAD. */
async function sizeByHead({ client, url, signal }: Target, etag: string): Promise<number | undefined> {
  const response = await client.read({ method: 'HEAD', url, signal })
  markHandled(response.body?.cancel())
  const { headers } = response
  if (!response.ok || headers.get('etag') !== etag || headers.has('content-encoding')) return undefined
  return parseDigits(headers.get('content-length'))
}

function found({ alias }: Target, response: Response, etag: string, size: number | undefined): FoundVersion {
  const { headers, status } = response
  if (size === undefined) {
    throw new FormatError('the server does not tell the size: neither in Content-Range nor in Content-Length', {
      reason: 'unsupported',
      status,
    })
  }
  const type = headers.get('content-type') ?? UNKNOWN_TYPE
  const info = { alias, size, etag, type, modified: modifiedIn(headers), ...noStoreIn(headers) }
  return { info, digest: digestInHeaders(headers) }
}

function strongEtag({ headers, status }: Response): string {
  const etag = headers.get('etag')
  if (etag !== null && isStrongEtag(etag)) return etag
  const problem =
    etag === null
      ? 'the server sends no ETag, so a change would not be noticed (CORS must expose it to other origins)'
      : etag.startsWith('W/')
        ? `the server sends only a weak ETag, ${describeValue(etag)}, which does not tell whether the bytes are the same`
        : `the server sends an ETag that is not valid: ${describeValue(etag)}`
  throw new FormatError(problem, { reason: 'unsupported', status })
}

/** A body that ends early is as good as one byte: the head has said everything, and the readers will see whether bytes arrive. */
async function assertAtMostOneByte(client: HttpClient, response: Response, signal: AbortSignal): Promise<void> {
  try {
    await client.readBody(response, 1, signal)
  } catch (error) {
    signal.throwIfAborted()
    if ((error as Error).name === 'BackendError') return
    throw new FormatError('asked for the first byte, but the answer has more than one', {
      reason: 'invalid',
      status: response.status,
      cause: error,
    })
  }
}
