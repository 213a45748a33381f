import { describeValue } from '../../bytes/describe-value.ts'
import { equalBytes, ownBytes } from '../../bytes/byte-order.ts'
import type { ByteSource } from '../../bytes/byte-source.ts'
import { type ByteProducer, byteStream } from '../../bytes/byte-stream.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { IntegrityError } from '../../errors.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { PieceReader } from './piece-reader.ts'
import type { RangePiece } from './range-pieces.ts'
import type { RangePlan } from './range-plan.ts'
import { toByteSource } from '../to-byte-source.ts'
import { createSha256, type StreamingHash } from '../../bytes/sha256.ts'
import { checkSha256 } from '../check-sha256.ts'

/** Options of {@linkcode rebuild}. */
export interface RebuildOptions {
  /**
   * SHA-256 of the new content, 32 bytes, verified at the end. Without it, nothing detects that the remote source is
   * not the content that the plan was made for, or that the local source has changed since. The plan itself has
   * compared only the strong sums of the local pieces.
   * @default not verified
   */
  digest?: Uint8Array | undefined
  /** Aborts the stream, and reading the current source, with the signal's reason. */
  signal?: AbortSignal | undefined
}

const EMPTY = new Uint8Array(0)

/**
 * Maximum number of bytes hashed and passed on at once, so that the host can run in between even if chunks are large.
 */
const SLICE_BYTES = 1024 * 1024

/**
 * Assembles new content from a local and a remote source, following a plan. It reads one piece at a time; each is one
 * `slice().stream()` of its source.
 *
 * It is pull-driven: nothing is read until a reader asks for it, and it holds one chunk of a source. The stream fails
 * with an `IntegrityError` if a source gives fewer or more bytes than requested, or, instead of ending, if the content
 * does not match the digest. If a source fails, the stream fails with the source's own error. Do not rely on what you
 * have read until the stream has ended without an error.
 *
 * @param plan The result of {@linkcode rangePlan} for `local` and the content of `remote`.
 * @param remote The complete new content. Only the remote pieces of the plan are read from it.
 * @throws {TypeError} if an argument or option has the wrong type.
 * @throws {RangeError} if the pieces do not add up to the content, the plan was made for other sizes of `local` or
 * `remote`, or the digest is not 32 bytes long.
 *
 * @example
 * ```ts
 * import { loadSignature, rangePlan, rebuild, SignatureStream } from 'combstream/rsync'
 *
 * const before = new Blob(['a line\n'.repeat(50_000)])
 * const after = new Blob(['a new first line\n', before])
 * const signature = await loadSignature(after.stream().pipeThrough(new SignatureStream({ sourceLength: after.size })))
 * const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await after.arrayBuffer()))
 *
 * const plan = await rangePlan(signature, before, { size: after.size })
 * const rebuilt = rebuild(plan, before, after, { digest })
 * console.log((await new Response(rebuilt).text()) === (await after.text())) // true
 * ```
 */
export function rebuild(
  plan: RangePlan,
  local: ByteSource | Uint8Array | ArrayBuffer,
  remote: ByteSource | Uint8Array | ArrayBuffer,
  { digest, signal }: RebuildOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const sources = { local: toByteSource(local, 'local'), remote: toByteSource(remote, 'remote') }
  checkPlan(plan, sources)
  const expected = digest === undefined ? undefined : checkSha256('digest', digest)
  return byteStream(new Rebuilder(plan, sources, expected, signal))
}

type Sources = Readonly<Record<'local' | 'remote', ByteSource>>

function checkPlan(plan: RangePlan, sources: Sources): void {
  if (!Array.isArray(plan?.pieces)) {
    throw new TypeError(`plan must be a RangePlan, got ${describeValue(plan)}: rangePlan returns a promise`)
  }
  let end = 0
  for (const { source, position, offset, length } of plan.pieces as readonly RangePiece[]) {
    if (source !== 'local' && source !== 'remote') {
      throw new TypeError(`the source of a piece must be 'local' or 'remote', got ${describeValue(source)}`)
    }
    checkInteger('length of a piece', length, 1, Number.MAX_SAFE_INTEGER)
    checkInteger(`position of the piece at ${end}`, position, end, end)
    checkInteger(`offset of the ${source} piece at ${end}`, offset, 0, sources[source].size - length)
    if (source === 'remote') checkInteger(`offset of the remote piece at ${end}`, offset, end, end)
    end += length
  }
  checkInteger('size of the plan', plan.size, end, end)
  checkInteger('size of remote', sources.remote.size, end, end)
}

class Rebuilder implements ByteProducer {
  readonly #plan: RangePlan
  readonly #sources: Sources
  readonly #expected: Uint8Array | undefined
  readonly #signal: AbortSignal | undefined

  #hash: StreamingHash | undefined
  /** Index of the piece being read, or to be read next. */
  #index = 0
  #reader: PieceReader | undefined
  /** The rest of the last chunk that has not been passed on yet. */
  #rest: Uint8Array = EMPTY

  /** Set when the stream has ended, failed or been cancelled. Nothing may be opened after that. */
  #stopped: { readonly reason: unknown } | undefined
  #stopListening: () => void = () => undefined

  constructor(plan: RangePlan, sources: Sources, expected: Uint8Array | undefined, signal: AbortSignal | undefined) {
    this.#plan = plan
    this.#sources = sources
    this.#expected = expected
    this.#signal = signal
  }

  start(fail: (reason: unknown) => void): void {
    this.#stopListening = onAbort([this.#signal], (reason) => {
      fail(reason)
      this.#stop(reason)
    })
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      if (this.#expected) this.#hash ??= await createSha256()
      this.#assertNotStopped()
      while (this.#rest.byteLength === 0) {
        const piece = this.#plan.pieces[this.#index]
        if (!piece) return this.#end()
        this.#reader ??= new PieceReader(this.#sources[piece.source], piece)
        const chunk = await this.#reader.read()
        this.#assertNotStopped()
        if (chunk) {
          this.#rest = chunk
        } else {
          this.#reader = undefined
          this.#index++
        }
      }
    } catch (error) {
      this.#stop(error)
      throw error
    }
    return this.#take()
  }

  cancel(reason: unknown): void {
    this.#stop(reason)
  }

  #take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#rest.subarray(0, SLICE_BYTES)
    // An empty rest must not be a view of the bytes passed on: their buffer will be detached.
    this.#rest = bytes.byteLength < this.#rest.byteLength ? this.#rest.subarray(SLICE_BYTES) : EMPTY
    this.#hash?.update(bytes)
    return ownBytes(bytes)
  }

  #end(): undefined {
    const digest = this.#hash?.digest()
    if (digest && !equalBytes(digest, this.#expected!)) {
      const [expected, actual] = [toHex(this.#expected!), toHex(digest)]
      throw new IntegrityError(`the rebuilt content has the SHA-256 ${actual}, not ${expected}`, { expected, actual })
    }
    this.#stop(undefined)
  }

  #stop(reason: unknown): void {
    if (this.#stopped) return
    this.#stopped = { reason }
    this.#stopListening()
    this.#rest = EMPTY
    this.#reader?.cancel(reason)
  }

  #assertNotStopped(): void {
    if (this.#stopped) throw this.#stopped.reason
  }
}
