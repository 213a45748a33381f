import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import type { BlockBackend } from '../tiered.ts'
import { bucketUrl, checkPrefix } from './bucket-url.ts'
import { checkCredentials, CredentialSource, type S3Credentials } from './credentials.ts'
import { sendsStreams } from './request-body.ts'
import { S3Client } from './s3-client.ts'
import { MAX_OBJECT_BYTES, S3Objects } from './s3-objects.ts'

/** The longest time that a timer takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Options of {@linkcode s3Blocks}. */
export interface S3BlocksOptions {
  /** URL of the object store, such as `https://s3.eu-central-1.amazonaws.com`. */
  endpoint: string | URL
  /** Name of the bucket, which must exist. */
  bucket: string
  /**
   * What the keys of all objects begin with: a path of letters, digits, `-`, `_`, `.` and `/`. A slash is added to its end.
   * Two stores must not have the same one, unless they have the same rows.
   * @default ''
   */
  prefix?: string | undefined
  /**
   * Region of the bucket.
   * @default 'us-east-1'
   */
  region?: string | undefined
  /**
   * What requests are signed with; or a function that gives it, for temporary credentials. The function is called before
   * the first request, a minute before `expires`, after the object store has refused credentials because they ended, and
   * after a request has waited for them for `timeoutMs`.
   */
  credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>)
  /**
   * Whether the name of the bucket is in the path of a URL, or in its host name.
   * @default 'path'
   */
  addressing?: 'path' | 'virtual-host' | undefined
  /**
   * How long a request may wait without an answer, and an answer without another byte, in milliseconds. The first counts
   * from the beginning of an upload, so it must be long enough for a whole block.
   * @default 60_000
   */
  timeoutMs?: number | undefined
  /**
   * Sends the requests, whose bodies are arrays. In Node, the host's own gets streams, which it does not copy.
   * @default the host's `fetch`
   */
  fetch?: typeof fetch | undefined
}

/**
 * Keeps blocks in a bucket of an S3-class object store. Give it to a backend that keeps the rows, such as `tiered`.
 *
 * An object is durable once the object store has answered that it is stored. The object store must be strongly
 * consistent: what was stored can be read and is in lists, and what was deleted is not. It must list objects in the order
 * of their keys. Nothing else may delete objects of the prefix or change them: no lifecycle rule, for example.
 *
 * Every request is sent once. After a failure that may be temporary, the error is `retryable`, and later requests wait for
 * up to two seconds; the store on top tries again, and stores the block under another name. If the answer of a change was
 * lost, or was a status from 500 on, the error has `outcome: 'unknown'`.
 *
 * @returns `blocks` and their `limits`. `close()` waits for requests that are under way.
 * @throws {TypeError} if an option has the wrong type, or is not what it must be.
 * @throws {RangeError} if `timeoutMs` is out of range.
 *
 * @example
 * ```ts
 * import { s3Blocks } from 'combstream/backends/s3'
 *
 * const blocks = s3Blocks({
 *   endpoint: 'https://s3.example',
 *   bucket: 'videos',
 *   credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
 * })
 * ```
 */
export function s3Blocks(options: S3BlocksOptions): BlockBackend {
  const { endpoint, bucket, prefix = '', region = 'us-east-1', addressing = 'path', timeoutMs = 60_000 } = options
  const url = bucketUrl({ endpoint, bucket, addressing })
  const root = checkPrefix(prefix)
  if (typeof region !== 'string' || !/^[\w-]+$/.test(region)) {
    throw new TypeError(`region must be the name of a region, got ${describeValue(region)}`)
  }
  checkInteger('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS)
  const { credentials, fetch = globalThis.fetch } = options
  if (typeof fetch !== 'function') throw new TypeError(`fetch must be a function, got ${describeValue(fetch)}`)
  const source = typeof credentials === 'function' ? credentials : checkCredentials(credentials)
  const client = new S3Client({
    credentials: new CredentialSource(source),
    region,
    bucket,
    timeoutMs,
    // Called without an object, as the host's own must be.
    fetch: (input, init) => fetch(input, init),
    sendsStreams: fetch === globalThis.fetch && sendsStreams(),
  })
  const blocks = new S3Objects(client, url, root)
  return { blocks, limits: { blockBytes: MAX_OBJECT_BYTES }, close: () => blocks.close() }
}
