import { ownBytes } from '../../bytes/byte-order.ts'
import { BackendError, FormatError } from '../../errors.ts'
import type { BackendCallOptions, Blocks, GetBlockOptions, ListBlocksOptions, ObjectInfo } from '../../store/backend.ts'
import { checkObjectName, isObjectName } from '../files/object-name.ts'
import { type Listing, parseListing } from './parse-listing.ts'
import { readExactly, readText } from './read-answer.ts'
import { readEmpty, type S3Client } from './s3-client.ts'

/** The largest object. It bounds what a broken answer makes this allocate; blocks are smaller. */
export const MAX_OBJECT_BYTES = 67_108_864
/** The largest number of objects in a page of a list, by the protocol. */
const MAX_PAGE_OBJECTS = 1000
/** A page has at most 1,000 keys of at most 1,024 bytes, whose encoding takes three times as many, and some properties. */
const MAX_PAGE_BYTES = 8_388_608

/** The objects below a prefix of a bucket. */
export class S3Objects implements Blocks {
  readonly putsMayArriveLate = true
  readonly #client: S3Client
  readonly #bucket: URL
  readonly #prefix: string
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false

  /** @param bucket URL of the bucket, with a slash at its end. @param prefix the same of the prefix, if there is one. */
  constructor(client: S3Client, bucket: URL, prefix: string) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  put(name: string, bytes: Uint8Array, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(signal, async () => {
      const url = this.#urlOf(name)
      if (bytes.byteLength > MAX_OBJECT_BYTES) {
        throw new RangeError(`an object has at most ${MAX_OBJECT_BYTES} bytes, got ${bytes.byteLength}`)
      }
      const what = `cannot store object ${name}`
      const headers = { 'Content-Type': 'application/octet-stream' }
      await this.#client.send<void>({ method: 'PUT', url, body: ownBytes(bytes), headers, what, signal }, readEmpty)
    })
  }

  get(name: string, { signal, into }: GetBlockOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#call(signal, () => {
      const url = this.#urlOf(name)
      const what = `cannot read object ${name}`
      // A body that a proxy has compressed would have another length.
      const headers = { 'Accept-Encoding': 'identity' }
      const call = { method: 'GET', url, headers, what, signal, instead: { NoSuchKey: undefined } } as const
      return this.#client.send<Uint8Array<ArrayBuffer> | undefined>(call, (response, onProgress) => {
        const byteLength = lengthOf(response.headers.get('Content-Length') ?? '')
        return readExactly(response, { byteLength, into, onProgress })
      })
    })
  }

  size(name: string, { signal }: BackendCallOptions = {}): Promise<number | undefined> {
    return this.#call(signal, () => {
      const url = this.#urlOf(name)
      const what = `cannot look at object ${name}`
      // Not a HEAD, whose answer does not tell an absent object from an absent bucket.
      const headers = { 'Accept-Encoding': 'identity', Range: 'bytes=0-0' }
      const instead = { NoSuchKey: undefined, InvalidRange: 0 }
      const call = { method: 'GET', url, headers, what, signal, instead } as const
      return this.#client.send<number | undefined>(call, async (response, onProgress) => {
        const range = response.headers.get('Content-Range') ?? ''
        const size = lengthOf(/^bytes 0-0\/(\d+)$/.exec(range)?.[1] ?? '')
        await readExactly(response, { byteLength: 1, into: undefined, onProgress })
        return size
      })
    })
  }

  delete(name: string, { signal }: BackendCallOptions = {}): Promise<void> {
    return this.#call(signal, async () => {
      const url = this.#urlOf(name)
      const what = `cannot delete object ${name}`
      // Some object stores say that it does not exist, and some do not.
      const instead = { NoSuchKey: undefined }
      await this.#client.send<void>({ method: 'DELETE', url, what, signal, instead }, readEmpty)
    })
  }

  list({ prefix, after, limit, signal }: ListBlocksOptions): Promise<ObjectInfo[]> {
    return this.#call(signal, async () => {
      let token: string | undefined
      for (;;) {
        const url = this.#listUrl(prefix, after, Math.min(limit, MAX_PAGE_OBJECTS), token)
        const page = await this.#page(url, signal)
        const objects = page.objects
          .map(({ key, size }) => {
            if (!key.startsWith(this.#prefix)) throw wrongList('its names are not those that were asked for')
            return { name: key.slice(this.#prefix.length), size }
          })
          // Others may keep something else in the bucket.
          .filter(({ name }) => isObjectName(name))
        checkOrder(objects, prefix, after)
        if (objects.length > 0 || page.nextToken === undefined) return objects.slice(0, limit)
        if (page.nextToken === token) throw wrongList('it does not get on')
        token = page.nextToken
      }
    })
  }

  /** Waits for pending calls, and refuses later ones. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  #page(url: URL, signal: AbortSignal | undefined): Promise<Listing> {
    const call = { method: 'GET', url, what: 'cannot list objects', signal } as const
    return this.#client.send(call, async (response, onProgress) => {
      const text = await readText(response, MAX_PAGE_BYTES, onProgress)
      try {
        return parseListing(text)
      } catch (cause) {
        // Without a length, an answer that was cut off looks like this.
        throw cause instanceof FormatError ? new BackendError(cause.message, { retryable: true, cause }) : cause
      }
    })
  }

  /** The query is in the order of its names, as a signature covers it. */
  #listUrl(prefix: string, after: string | undefined, limit: number, token: string | undefined): URL {
    const url = new URL(this.#bucket)
    // Without a slash, as the bucket itself.
    if (url.pathname.length > 1) url.pathname = url.pathname.slice(0, -1)
    if (token !== undefined) url.searchParams.set('continuation-token', token)
    url.searchParams.set('encoding-type', 'url')
    url.searchParams.set('list-type', '2')
    url.searchParams.set('max-keys', String(limit))
    url.searchParams.set('prefix', this.#prefix + prefix)
    if (after !== undefined) url.searchParams.set('start-after', this.#prefix + after)
    return url
  }

  #urlOf(name: string): URL {
    checkObjectName(name)
    return new URL(this.#prefix + name, this.#bucket)
  }

  async #call<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (this.#closed) throw new TypeError('the backend is closed')
    const result = work()
    const settled: Promise<unknown> = result.then(
      () => this.#pending.delete(settled),
      () => this.#pending.delete(settled),
    )
    this.#pending.add(settled)
    return result
  }
}

function lengthOf(text: string): number {
  const length = /^\d{1,15}$/.test(text) ? Number(text) : Infinity
  if (length <= MAX_OBJECT_BYTES) return length
  throw new BackendError(
    text === '' ? 'the answer does not say how long the object is' : `the object has ${text} bytes, which is too much`,
    { retryable: false },
  )
}

/** Makes sure that a list can be continued after its last name. */
function checkOrder(objects: readonly ObjectInfo[], prefix: string, after: string | undefined): void {
  let last = after
  for (const { name } of objects) {
    if (!name.startsWith(prefix) || (last !== undefined && name <= last)) throw wrongList('its names are not in order')
    last = name
  }
}

function wrongList(what: string): BackendError {
  return new BackendError(`cannot list objects: the list of the object store is wrong: ${what}`, { retryable: false })
}
