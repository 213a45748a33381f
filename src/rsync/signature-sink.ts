import { asBytes } from '../bytes/chunk-reader.ts'
import { HostTurns } from '../bytes/host-turns.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'
import { LoadSignatureJob, type LoadSignatureJobOptions } from './load-signature-job.ts'
import type { Signature } from './signature.ts'

/** Bytes that are worked off before it is seen whether it is the host's turn, however large a chunk is. */
const SLICE_BYTES = 1024 * 1024

/**
 * A `WritableStream` that takes a signature and keeps it in memory, to be piped to: the same as `loadSignature`, from
 * the other side.
 *
 * @example
 * ```ts
 * import { SignatureSink, SignatureStream } from 'combstream/rsync'
 *
 * const sink = new SignatureSink()
 * await new Blob(['a basis']).stream().pipeThrough(new SignatureStream()).pipeTo(sink)
 * console.log((await sink.signature).blockCount) // 1
 * ```
 */
export interface SignatureSink extends WritableStream<Uint8Array> {
  /**
   * The signature, when the sink has been closed. It rejects with a `FormatError` if the bytes are no signature, or one
   * beyond the limits, and with the reason if the sink is aborted.
   */
  readonly signature: Promise<Signature>
}

/** What makes a {@linkcode SignatureSink}. */
export interface SignatureSinkConstructor {
  /**
   * Makes a sink.
   *
   * @throws {TypeError} if a limit is no integer.
   * @throws {RangeError} if a limit is out of its range.
   */
  new (options?: LoadSignatureJobOptions): SignatureSink
}

/**
 * Makes a {@linkcode SignatureSink}.
 *
 * An interface and a constructor of the same name, as the platform declares its own, because a class that extends
 * WritableStream would read that global at import, and one that wraps it could not be piped to.
 */
export const SignatureSink: SignatureSinkConstructor = makeSignatureSink as unknown as SignatureSinkConstructor

function makeSignatureSink(options: LoadSignatureJobOptions = {}): SignatureSink {
  const job = new LoadSignatureJob(options)
  const turns = new HostTurns()
  let resolve: (signature: Signature) => void
  let reject: (reason: unknown) => void
  const signature = new Promise<Signature>((...settle) => ([resolve, reject] = settle))
  markHandled(signature)

  const sink = new WritableStream<Uint8Array>({
    start({ signal }) {
      // `abort()` below waits for the write that is under way; this signal does not.
      onAbort([signal], reject)
    },
    async write(chunk, { signal }) {
      try {
        for (let rest = asBytes(chunk); rest.byteLength > 0 && !signal.aborted;) {
          const { read } = job.iterate(rest.subarray(0, SLICE_BYTES))
          rest = rest.subarray(read)
          await turns.spend(read)
        }
      } catch (error) {
        reject(error)
        throw error
      }
    },
    close() {
      try {
        job.end()
        job.iterate(new Uint8Array(0))
        resolve(job.signature!)
      } catch (error) {
        reject(error)
        throw error
      }
    },
    abort: (reason) => reject(reason),
  })
  return Object.assign(sink, { signature })
}
