import { asBytes } from '../bytes/chunk-reader.ts'
import { HostTurns } from '../bytes/host-turns.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'
import { LoadSignatureJob, type LoadSignatureJobOptions } from './load-signature-job.ts'
import type { Signature } from './signature.ts'

/** Bytes of a chunk processed at a time, after which the sink may yield to the host. */
const SLICE_BYTES = 1024 * 1024

/**
 * A `WritableStream` that loads a signature into memory. It does what `loadSignature` does, as a destination to pipe
 * to.
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
   * Resolves to the signature once the sink is closed. Rejects with a `FormatError` if the bytes are not a signature or
   * exceed the limits, and with the abort reason if the sink is aborted.
   */
  readonly signature: Promise<Signature>
}

/** The constructor of {@linkcode SignatureSink}. */
export interface SignatureSinkConstructor {
  /**
   * Creates a sink.
   *
   * @throws {TypeError} if a limit is not an integer.
   * @throws {RangeError} if a limit is out of range.
   */
  new (options?: LoadSignatureJobOptions): SignatureSink
}

/**
 * Creates a {@linkcode SignatureSink}.
 *
 * This is an interface and a constructor of the same name, as the platform declares its own classes. A class that
 * extends WritableStream would read that global at import, and a class that wraps a WritableStream could not be piped
 * to.
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
      // The `abort()` callback below waits for the write in progress; this signal does not.
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
