import { equalBytes, ownBytes } from '../../bytes/byte-order.ts'
import { assertByteSource, type ByteSource } from '../../bytes/byte-source.ts'
import { type ByteProducer, byteStream } from '../../bytes/byte-stream.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { IntegrityError } from '../../errors.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { PieceReader } from './piece-reader.ts'
import type { RangePiece } from './range-pieces.ts'
import type { RangePlan } from './range-plan.ts'
import { checkSha256, createSha256, type Sha256 } from '../sha256.ts'

/** Options of {@linkcode rebuild}. */
export interface RebuildOptions {
  /**
   * SHA-256 of the new content, 32 bytes, which is verified at the end. Without it nothing shows that the remote source
   * is the content that the plan was made for, or that the local one has not changed since: the plan itself has compared
   * the strong sums of the local pieces, and them only.
   * @default not verified
   */
  digest?: Uint8Array | undefined
  /** Gives the stream, and the source that is being read, up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

const EMPTY = new Uint8Array(0)

/** The most bytes that are hashed and passed on at once, so that the host gets its turn however large a chunk is. */
const SLICE_BYTES = 1024 * 1024

/**
 * Puts new content together, as a plan says, from a local source and a remote one. Each piece is one `slice().stream()` of
 * its source, one at a time.
 *
 * It is pull-driven: nothing is read before a reader waits for it, and it holds one chunk of a source. The stream fails
 * with an `IntegrityError` if a source gives fewer or more bytes than it was asked for, and, in place of its end, if
 * the content does not have the digest; with a source's own error if it has one. What was read before belongs to the
 * content only when the stream has ended without an error.
 *
 * @param plan What {@linkcode rangePlan} gave for `local` and the content of `remote`.
 * @param remote The whole new content. Only the remote pieces of the plan are read.
 * @throws {TypeError} if an argument or an option is of the wrong type.
 * @throws {RangeError} if the pieces do not make up the content, the plan is for other sizes of `local` or `remote`, or
 * the digest is not 32 bytes long.
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
  local: ByteSource,
  remote: ByteSource,
  { digest, signal }: RebuildOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const sources = { local, remote }
  assertByteSource(local, 'local')
  assertByteSource(remote, 'remote')
  checkPlan(plan, sources)
  const expected = digest === undefined ? undefined : checkSha256('digest', digest)
  return byteStream(new Rebuilder(plan, sources, expected, signal))
}

type Sources = Readonly<Record<'local' | 'remote', ByteSource>>

function checkPlan(plan: RangePlan, sources: Sources): void {
  if (!Array.isArray(plan?.pieces)) {
    throw new TypeError(`plan must be a RangePlan, got ${String(plan)}: rangePlan gives a promise`)
  }
  let end = 0
  for (const { source, position, offset, length } of plan.pieces as readonly RangePiece[]) {
    if (source !== 'local' && source !== 'remote') {
      throw new TypeError(`the source of a piece must be 'local' or 'remote', got ${String(source)}`)
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

  #hash: Sha256 | undefined
  /** Index of the piece that is read, or will be next. */
  #index = 0
  #reader: PieceReader | undefined
  /** What has not been passed on of the chunk that was read last. */
  #rest: Uint8Array = EMPTY

  /** Set when the stream has ended, failed or been given up: nothing may be opened from then on. */
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
    // Not a view of what is given away, which will be detached.
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
