import { BlockBuffer } from '../../bytes/block-buffer.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { asBytes } from '../../bytes/chunk-reader.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { BackendError, QuotaExceededError } from '../../errors.ts'
import type { Entry, EntrySink } from '../../hive/hive.ts'
import { createSha256, type StreamingHash } from '../../bytes/sha256.ts'

/** What a {@linkcode requestSink} sends, and how. */
export interface SentUpload {
  /** Whether the body is sent while it is being written; else it is kept, and sent as a whole. */
  readonly streams: boolean
  /** Aborts the upload. */
  readonly signal: AbortSignal | undefined
  /** Rejects if the upload cannot succeed, before any of its bytes has been sent. */
  check(signal: AbortSignal): Promise<void>
  /** Sends the request. */
  send(body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Response>
  /** Rejects with the error that an answer describes. */
  assertAccepted(response: Response, signal: AbortSignal): Promise<void>
  /**
   * Finds out whether an upload whose answer was lost was stored all the same, as content with this SHA-256 and with the
   * type that was sent; resolves with the entry if it was. Absent if the body that is sent is not the content itself.
   */
  confirm?(digest: Uint8Array, signal: AbortSignal): Promise<Entry | undefined>
  /** The entry, at the version that was made from a body of `byteLength` bytes. */
  open(response: Response, byteLength: number, signal: AbortSignal): Promise<Entry>
}

/** Bytes that are collected before they are sent. A smaller upload is sent as a whole. */
const BLOCK_BYTES = 256 * 1024

/** Largest upload, in bytes, where a request body cannot be streamed: it is kept in memory. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024

/**
 * Makes the sink of an upload. When it streams, it holds two blocks of 256 KiB and runs at the pace of the server; an
 * answer that refuses the upload while it is being written fails the sink at once. Where a body cannot be streamed, the
 * sink holds the upload, at most 64 MiB, and one more block; `fetch` may keep its own copy while it sends the body.
 */
export function requestSink(upload: SentUpload): EntrySink {
  const sink = new RequestSink(upload)
  return Object.assign(sink.writable(), { entry: sink.entry })
}

class RequestSink {
  readonly entry: Promise<Entry>
  readonly #upload: SentUpload
  readonly #giveUp = new AbortController()
  #settleEntry!: { resolve(entry: Entry): void; reject(reason: unknown): void }
  #failWritable: (reason: unknown) => void = () => undefined
  #failBody: (reason: unknown) => void = () => undefined
  #stopListening: () => void = () => undefined

  /** Filled by the writer; when it is full, it is handed to the body, or kept. */
  #block = new BlockBuffer(BLOCK_BYTES)
  readonly #kept: Uint8Array<ArrayBuffer>[] = []
  #byteLength = 0
  /** Hash of a streamed body, to look the entry up by if the answer is lost. */
  #hash: StreamingHash | undefined

  #response: Promise<Response> | undefined
  /** A block that waits for the body to be pulled, and the write that waits with it. */
  #handed: { readonly block: Uint8Array<ArrayBuffer>; taken(): void; failed(reason: unknown): void } | undefined
  #wakeBody: (() => void) | undefined
  #ended = false
  #settled = false

  constructor(upload: SentUpload) {
    this.#upload = upload
    this.entry = new Promise<Entry>((resolve, reject) => {
      this.#settleEntry = { resolve, reject }
    })
    markHandled(this.entry)
  }

  writable(): WritableStream<Uint8Array> {
    const { signal } = this.#upload
    return new WritableStream<Uint8Array>(
      {
        start: async (controller) => {
          this.#failWritable = (reason) => controller.error(reason)
          // `abort()` below is held back by a pending write; this signal is not. The stream is failing already, and
          // in Node 22 an internal assertion fails if it is told so again from here.
          onAbort([controller.signal], (reason) => {
            this.#failWritable = () => undefined
            this.#fail(reason)
          })
          this.#stopListening = onAbort([signal], (reason) => this.#fail(reason))
          await this.#step(abortable(this.#upload.check(this.#giveUp.signal), this.#giveUp.signal))
        },
        write: (chunk) => this.#step(this.#write(chunk)),
        close: () => this.#step(this.#close()),
        abort: (reason) => this.#fail(reason),
      },
      { highWaterMark: 1 },
    )
  }

  /** Runs a step of the writer; if it fails, the whole upload does. */
  async #step(promise: Promise<void>): Promise<void> {
    try {
      await promise
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  async #write(value: Uint8Array): Promise<void> {
    let chunk = asBytes(value)
    while (chunk.byteLength > 0) {
      if (this.#block.full) await this.#passOn()
      const byteLength = this.#block.fill(chunk)
      chunk = chunk.subarray(byteLength)
      this.#byteLength += byteLength
      if (!this.#upload.streams && this.#byteLength > MAX_BUFFERED_BYTES) {
        throw new QuotaExceededError(
          `the upload has more than ${MAX_BUFFERED_BYTES} bytes, and cannot be streamed here`,
          {
            limit: MAX_BUFFERED_BYTES,
          },
        )
      }
    }
  }

  /** Hands the full block on, and begins a new one. */
  async #passOn(): Promise<void> {
    const block = this.#block.bytes
    this.#block = new BlockBuffer(BLOCK_BYTES)
    if (!this.#upload.streams) {
      this.#kept.push(block)
      return
    }
    if (this.#upload.confirm) {
      this.#hash ??= await createSha256()
      this.#hash.update(block)
    }
    this.#response ??= this.#sendStream()
    // If the upload has failed since the last block was taken, nobody will take this one.
    this.#giveUp.signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      this.#handed = { block, taken: resolve, failed: reject }
      this.#wakeBody?.()
    })
  }

  async #close(): Promise<void> {
    let body: Uint8Array<ArrayBuffer> | undefined
    if (this.#response) {
      if (this.#block.byteLength > 0) await this.#passOn()
      this.#ended = true
      this.#wakeBody?.()
    } else {
      this.#ended = true
      body = this.#whole()
      this.#response = this.#send(body)
    }
    const { signal } = this.#giveUp
    const entry = await this.#response.then(
      (response) => abortable(this.#upload.open(response, this.#byteLength, signal), signal),
      (failure: unknown) => this.#makeUpFor(failure, body),
    )
    this.#settle()
    this.#settleEntry.resolve(entry)
  }

  /** The entry, if all that failed was the arrival of the answer; else rejects with the failure. */
  async #makeUpFor(failure: unknown, body: Uint8Array | undefined): Promise<Entry> {
    const { name, outcome, retryable } = failure as Partial<BackendError>
    const { signal } = this.#giveUp
    const isLost = name === 'BackendError' && outcome === 'unknown' && retryable
    if (!isLost || signal.aborted) throw failure
    // If the hash cannot be computed or the entry not looked up, nothing more is known than before.
    const entry = await abortable(this.#confirm(body), signal).catch(() => undefined)
    signal.throwIfAborted()
    if (!entry) throw failure
    return entry
  }

  /** Asks whether what was sent is stored. The hash of a body that was kept in memory is computed only now. */
  async #confirm(body: Uint8Array | undefined): Promise<Entry | undefined> {
    if (!this.#upload.confirm) return undefined
    const hash = this.#hash ?? (await createSha256())
    if (body) hash.update(body)
    return this.#upload.confirm(hash.digest(), this.#giveUp.signal)
  }

  /** One array rather than a Blob, which hosts treat differently, even in the Content-Type that they send for it. */
  #whole(): Uint8Array<ArrayBuffer> {
    const body = new Uint8Array(this.#byteLength)
    let offset = 0
    for (const block of [...this.#kept.splice(0), this.#block.bytes]) {
      body.set(block, offset)
      offset += block.byteLength
      release(block)
    }
    return body
  }

  #sendStream(): Promise<Response> {
    const response = this.#send(
      byteStream({
        start: (fail) => {
          this.#failBody = fail
        },
        next: () => this.#nextBlock(),
        // Cancelled by `fetch`: the answer, or the failure to get one, will say why.
        cancel: () => undefined,
      }),
    )
    markHandled(this.#watch(response))
    return response
  }

  /** The answer may arrive before the body ends. It must be noticed even if no write follows. */
  async #watch(response: Promise<Response>): Promise<void> {
    try {
      const { status } = await response
      if (this.#ended) return
      throw new BackendError('the answer arrived before the body had ended', {
        retryable: true,
        outcome: 'unknown',
        status,
      })
    } catch (error) {
      // Once the body has ended, `close()` handles it.
      if (!this.#ended) this.#fail(error)
    }
  }

  async #send(body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>): Promise<Response> {
    const { signal } = this.#giveUp
    const response = await abortable(this.#upload.send(body, signal), signal)
    await abortable(this.#upload.assertAccepted(response, signal), signal)
    return response
  }

  async #nextBlock(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (!this.#handed && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeBody = resolve
      })
    }
    const handed = this.#handed
    this.#handed = undefined
    handed?.taken()
    return handed?.block
  }

  #fail(reason: unknown): void {
    if (this.#settled) return
    this.#settle()
    this.#failWritable(reason)
    this.#failBody(reason)
    this.#handed?.failed(reason)
    this.#giveUp.abort(reason)
    this.#settleEntry.reject(reason)
  }

  #settle(): void {
    this.#settled = true
    this.#stopListening()
  }
}

/**
 * Frees the memory of a block now; left to the garbage collector, the upload would be in memory twice for a long time.
 */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  const transferable = buffer as ArrayBuffer & { transfer?(byteLength: number): ArrayBuffer }
  transferable.transfer?.(0)
}
