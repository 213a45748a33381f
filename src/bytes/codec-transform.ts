import { byteStream } from './byte-stream.ts'
import { asBytes } from './chunk-reader.ts'
import { HostTurns } from './host-turns.ts'
import { onAbort } from './on-abort.ts'

/** What one call of {@linkcode Codec.iterate} did. */
export interface CodecStep {
  /**
   * - `blocked`: it needs more input, or more space for output.
   * - `waiting`: it needs something that only its stream can fetch, such as a piece of the basis.
   * - `done`: the input has ended, and every byte of output is written.
   */
  readonly state: 'blocked' | 'waiting' | 'done'
  /** Bytes of the input that are used up. */
  readonly read: number
  /** Bytes of the output that are filled. */
  readonly written: number
}

/**
 * The synchronous core of a codec. It does not use streams or promises, takes input and output space of any size down
 * to one byte, keeps all its state in itself, and can be dropped at any time.
 */
export interface Codec {
  /** Consumes `input` and fills `output` as far as it can; keeps neither. */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep
  /** Says that no more input follows. */
  end(): void
}

/** Options of {@linkcode codecTransform}. */
export interface CodecTransformOptions<C extends Codec> {
  /** Makes the codec, at the first read; whatever must be loaded for it is awaited here. */
  open(signal: AbortSignal): Promise<C> | C
  /** Fetches what a codec that is `waiting` asks for. `signal` aborts when the stream is cancelled or fails. */
  serve?(codec: C, signal: AbortSignal): Promise<void>
  /** Frees what `serve` holds; called once, when the stream has ended, failed or been cancelled. */
  release?(reason: unknown): void
  /** Aborts the stream, with the signal's reason. */
  signal?: AbortSignal | undefined
}

const EMPTY = new Uint8Array(0)

/**
 * Bytes of an output chunk. A stage costs some microseconds for each chunk: measurable below 64 KiB, not at 256 KiB.
 */
const OUTPUT_BYTES = 256 * 1024

/** Bytes of input to process before checking whether it is the host's turn, however large the chunk is. */
const SLICE_BYTES = 1024 * 1024

/**
 * Drives a codec as a `{ readable, writable }` pair.
 *
 * It is pull-driven: nothing runs until the reader asks. It holds at most one chunk of input (the writer's own, while
 * its `write` is pending) and one chunk of output, 256 KiB, which is passed on when it is full or the input ends.
 * Cancel and abort take effect at once, even while it waits for input or for `serve`. A failure of either side, or of
 * the codec, arrives unchanged at the other side.
 */
export function codecTransform<C extends Codec>(
  options: CodecTransformOptions<C>,
): { readable: ReadableStream<Uint8Array<ArrayBuffer>>; writable: WritableStream<Uint8Array> } {
  const transform = new CodecTransform(options)
  return { readable: transform.readable(), writable: transform.writable() }
}

class CodecTransform<C extends Codec> {
  readonly #options: CodecTransformOptions<C>
  readonly #abort = new AbortController()
  #codec: C | undefined

  #input: Uint8Array = EMPTY
  #inputEnded = false
  /** Whether the codec has been told that the input has ended. */
  #endTold = false
  /** The `write` or `close` that is pending until its input is used up. */
  #held: { resolve(): void; reject(reason: unknown): void } | undefined
  /** Wakes the reading side when input, its end, or a failure has arrived. */
  #wakeReader: (() => void) | undefined

  #output: Uint8Array<ArrayBuffer> | undefined
  #outputLength = 0
  readonly #turns = new HostTurns()

  #finished = false
  #failed = false
  #failure: unknown
  #failReadable: (reason: unknown) => void = () => undefined
  #failWritable: (reason: unknown) => void = () => undefined
  #stopListening: () => void = () => undefined

  constructor(options: CodecTransformOptions<C>) {
    this.#options = options
  }

  readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return byteStream({
      start: (fail) => {
        this.#failReadable = fail
      },
      next: () => this.#next(),
      cancel: (reason) => this.#fail(reason),
    })
  }

  writable(): WritableStream<Uint8Array> {
    const { signal } = this.#options
    return new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#failWritable = (reason) => controller.error(reason)
          // `abort()` below waits until a held write has settled; this signal does not. The writable fails by itself:
          // if it were failed from here as well, its abort() would reject.
          onAbort([controller.signal], (reason) => {
            this.#failWritable = () => undefined
            this.#fail(reason)
          })
          this.#stopListening = onAbort([signal], (reason) => this.#fail(reason))
        },
        write: (chunk) => {
          try {
            this.#input = asBytes(chunk)
          } catch (error) {
            this.#fail(error)
            throw error
          }
          return this.#hold()
        },
        close: () => {
          this.#inputEnded = true
          return this.#hold()
        },
        abort: (reason) => this.#fail(reason),
      },
      // A mark of 0 would deadlock pipeTo, which waits for room before it writes the first chunk.
      { highWaterMark: 1 },
    )
  }

  /** Resolves when the reading side has used up the input. */
  #hold(): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#held = { resolve, reject }
      this.#wakeReader?.()
    })
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.#run()
    } catch (error) {
      this.#fail(error)
      throw this.#failure
    }
  }

  async #run(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#finished) return undefined
    const codec = (this.#codec ??= await this.#options.open(this.#abort.signal))
    for (;;) {
      const output = (this.#output ??= new Uint8Array(OUTPUT_BYTES))
      const step = codec.iterate(this.#input.subarray(0, SLICE_BYTES), output.subarray(this.#outputLength))
      this.#input = this.#input.subarray(step.read)
      this.#outputLength += step.written
      // Output is counted by the stream that delivers it.
      await this.#turns.spend(step.read)
      if (this.#failed) throw this.#failure

      if (step.state === 'done') {
        this.#finish()
        return this.#takeOutput()
      }
      if (this.#outputLength === output.byteLength) return this.#takeOutput()
      if (step.state === 'waiting') await this.#options.serve!(codec, this.#abort.signal)
      else if (this.#input.byteLength > 0) continue
      else if (!this.#inputEnded) await this.#moreInput()
      else if (this.#endTold) throw new Error('the codec is not done after its input has ended')
      else {
        codec.end()
        this.#endTold = true
      }
      if (this.#failed) throw this.#failure
    }
  }

  async #moreInput(): Promise<void> {
    this.#input = EMPTY
    this.#held?.resolve()
    this.#held = undefined
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve
    })
    this.#wakeReader = undefined
  }

  #takeOutput(): Uint8Array<ArrayBuffer> | undefined {
    const output = this.#output!
    const byteLength = this.#outputLength
    this.#output = undefined
    this.#outputLength = 0
    if (byteLength === 0) return undefined
    return byteLength === output.byteLength ? output : output.slice(0, byteLength)
  }

  #finish(): void {
    this.#finished = true
    this.#settle(undefined)
    this.#held?.resolve()
  }

  #fail(reason: unknown): void {
    if (this.#failed || this.#finished) return
    this.#failed = true
    this.#failure = reason
    this.#failWritable(reason)
    this.#failReadable(reason)
    this.#abort.abort(reason)
    this.#settle(reason)
    this.#held?.reject(reason)
  }

  #settle(reason: unknown): void {
    this.#input = EMPTY
    this.#stopListening()
    this.#options.release?.(reason)
    this.#wakeReader?.()
  }
}
