import { describeValue } from '../../bytes/describe-value.ts'
import type { Entry } from '../../hive/hive.ts'
import { CACHING } from '../../representation/answer-read.ts'
import { evaluateConditions } from '../../representation/conditions.ts'
import { parseDigits } from '../../representation/header-values.ts'
import { versionHeaders } from '../../representation/version-headers.ts'
import { VERSION_HEADER } from '../protocol/entry-headers.ts'
import { type Answer, clientGone, jsonAnswer } from './answer.ts'
import type { HiveRequest } from './hive-request.ts'
import { openVersion } from './read-entry.ts'
import { StatusError } from './status-error.ts'

/**
 * Answers GET and HEAD of `?manifest`: the digests of the blocks that the bytes from `start` to `end` touch, or of the
 * first of them. Like a signature, a manifest has an ETag of its own.
 */
export async function readManifest(asked: HiveRequest): Promise<Answer> {
  const { request, alias } = asked
  const asOfMs = Date.now()
  const entry = await openVersion(asked)
  const own = { etag: entry.etag.replace(/"$/, '.manifest"'), modified: entry.modified }
  const headers = {
    ...versionHeaders(own, asOfMs),
    ...CACHING,
    [VERSION_HEADER]: entry.etag,
    'Accept-Ranges': 'none',
  }
  try {
    const range = rangeIn(new URL(request.url).searchParams, entry)
    if (evaluateConditions(request, alias, own) === 'not-modified') return { status: 304, headers }
    if (request.method === 'HEAD') return { status: 200, headers: { ...headers, 'Content-Type': 'application/json' } }
    return jsonAnswer(200, await entry.manifest({ ...range, signal: request.signal }), headers)
  } catch (error) {
    throw request.signal.aborted ? clientGone() : error
  } finally {
    await entry.close()
  }
}

function rangeIn(query: URLSearchParams, { size }: Entry): { start: number; end: number } {
  const [start, end] = (['start', 'end'] as const).map((name) => {
    const text = query.get(name)
    return text === null ? { start: 0, end: size }[name] : parseDigits(text)
  })
  if (start !== undefined && end !== undefined && start <= end && end <= size) return { start, end }
  const got = `${describeValue(query.get('start'))} to ${describeValue(query.get('end'))}`
  throw new StatusError(400, new RangeError(`start and end must be offsets from 0 to ${size}, in order, got ${got}`))
}
