import type { ByteRange } from '../../bytes/byte-range.ts'
import { isTransient } from '../../bytes/is-transient.ts'
import { markHandled } from '../../bytes/promises.ts'
import { FormatError } from '../../errors.ts'
import type { EntryManifest } from '../../hive/entry-manifest.ts'
import type { EntryInfo } from '../../hive/hive.ts'
import { VERSION_HEADER } from '../protocol/entry-headers.ts'
import { manifestFromJson, MAX_MANIFEST_BYTES } from '../protocol/manifest-json.ts'
import type { HttpClient } from './http-client.ts'

/**
 * Requests the digests of the blocks that a range touches. An answer that breaks off is requested again.
 *
 * @throws {ConflictError} if the entry has another version.
 * @throws {NotFoundError} if it is gone.
 * @throws {FormatError} if the answer is not a manifest of this version.
 */
export async function requestManifest(
  client: HttpClient,
  info: EntryInfo,
  range: ByteRange,
  signal: AbortSignal,
): Promise<EntryManifest> {
  const { alias, etag } = info
  const query = { manifest: '', v: etag, start: String(range.start), end: String(range.end) }
  for (let failures = 1; ; failures++) {
    const response = await client.read({ method: 'GET', url: client.url(alias, query), signal })
    if (!response.ok) throw await client.errorOf(response, { alias, expectedEtag: etag, offset: range.start }, signal)
    const { status } = response
    if (!response.headers.has(VERSION_HEADER)) {
      markHandled(response.body?.cancel())
      throw new FormatError('the server does not give manifests', { reason: 'invalid', status })
    }
    try {
      const text = new TextDecoder().decode(await client.readBody(response, MAX_MANIFEST_BYTES, signal))
      return manifestFromJson(parse(text), info, range, status)
    } catch (error) {
      if (signal.aborted || !isTransient(error)) throw error
      await client.backOff(failures, error, signal)
    }
  }
}

/** Undefined if it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
