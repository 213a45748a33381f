import { byteStream } from '../bytes/byte-stream.ts'
import { bytesSource } from '../bytes/byte-source.ts'
import { ChunkReader } from '../bytes/chunk-reader.ts'
import { HostTurns } from '../bytes/host-turns.ts'
import { loadKernel } from '../rsync/kernel.ts'
import { SignatureJob } from '../rsync/signature-job.ts'

/** Where a {@linkcode SharedSignature} takes its bytes from, and what happens to the result. */
export interface SharedSignatureOptions {
  /** Number of bytes of the version. */
  readonly size: number
  /** Opens the bytes of the version. */
  open(signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  /** Keeps the whole signature. The readers get to its end when this has settled, whether it succeeded or not. */
  keep(signature: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void>
  /** Called once, when nobody can join any more. */
  onEnd(): void
}

const EMPTY = new Uint8Array(0)
const FIRST_BYTES = 4096
/** Bytes of input to process before checking whether it is the host's turn. */
const SLICE_BYTES = 1024 * 1024
/** Least room for output that the job gets. */
const OUTPUT_BYTES = 64 * 1024

/**
 * A signature that is being computed, once for all its readers. Each reads from the beginning, and gets records as soon
 * as they are there. A reader that leaves does not stop it for the others; it stops when the last one has left.
 *
 * It runs as fast as the bytes of the version arrive, and holds the whole signature until the end: up to 36 bytes for
 * each block, whose length is about the square root of the size, so some 4 MB for 10 GB.
 */
export class SharedSignature {
  readonly #options: SharedSignatureOptions
  readonly #abort = new AbortController()
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES)
  #byteLength = 0
  #end: { readonly error?: unknown } | undefined
  #readerCount = 0
  /** Wakes the readers that wait for more. */
  #waiting: (() => void)[] = []

  /** Makes a signature whose computation begins with its first reader. */
  constructor(options: SharedSignatureOptions) {
    this.#options = options
  }

  /** A stream of the whole signature. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = { offset: 0, reads: true }
    const leave = (reason: unknown): void => {
      if (!reader.reads) return
      reader.reads = false
      if (--this.#readerCount === 0 && !this.#end) this.#finish({ error: reason })
    }
    if (++this.#readerCount === 1) void this.#run()
    return byteStream({
      next: async () => {
        while (reader.reads && !this.#end && reader.offset === this.#byteLength) {
          await new Promise<void>((resolve) => this.#waiting.push(resolve))
        }
        if (!reader.reads) return undefined
        const chunk = this.#bytes.slice(reader.offset, this.#byteLength)
        reader.offset += chunk.byteLength
        if (chunk.byteLength > 0) return chunk
        reader.reads = false
        if (this.#end && 'error' in this.#end) throw this.#end.error
        return undefined
      },
      cancel: leave,
    })
  }

  async #run(): Promise<void> {
    try {
      await this.#compute()
      await this.#keep()
      this.#finish({})
    } catch (error) {
      this.#finish({ error })
    }
  }

  async #compute(): Promise<void> {
    const { signal } = this.#abort
    const job = new SignatureJob(await loadKernel(), { sourceLength: this.#options.size })
    const chunks = new ChunkReader(await this.#options.open(signal))
    const turns = new HostTurns()
    // The header waits for the first bytes: if the version cannot be read, nothing has been delivered yet.
    for (let chunk = await chunks.read(); chunk; chunk = await chunks.read()) {
      for (let offset = 0; offset < chunk.byteLength; offset += SLICE_BYTES) {
        this.#take(job, chunk.subarray(offset, offset + SLICE_BYTES))
        await turns.spend(SLICE_BYTES)
        signal.throwIfAborted()
      }
    }
    job.end()
    this.#take(job, EMPTY)
  }

  /** Feeds input to the job, and passes on all output that is ready. */
  #take(job: SignatureJob, bytes: Uint8Array): void {
    let input = bytes
    for (let isMore = true; isMore;) {
      this.#makeRoom()
      const step = job.iterate(input, this.#bytes.subarray(this.#byteLength))
      input = input.subarray(step.read)
      this.#byteLength += step.written
      isMore = step.state !== 'done' && (input.byteLength > 0 || step.written > 0 || job.flush())
    }
    this.#wake()
  }

  #makeRoom(): void {
    if (this.#bytes.byteLength - this.#byteLength >= OUTPUT_BYTES) return
    const larger = new Uint8Array(2 * this.#bytes.byteLength + OUTPUT_BYTES)
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  async #keep(): Promise<void> {
    const { signal } = this.#abort
    try {
      await this.#options.keep(bytesSource(this.#bytes.subarray(0, this.#byteLength)).stream(), signal)
    } catch {
      // Perhaps the disk is full or read-only: the signature is right all the same.
      signal.throwIfAborted()
    }
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end) return
    this.#end = end
    this.#options.onEnd()
    if ('error' in end) this.#abort.abort(end.error)
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
