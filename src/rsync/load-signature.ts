import type { LoadSignatureJobOptions } from './load-signature-job.ts'
import type { Signature } from './signature.ts'
import { SignatureSink } from './signature-sink.ts'

/** Options of {@linkcode loadSignature}. */
export interface LoadSignatureOptions extends LoadSignatureJobOptions {
  /** Gives the loading up, with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Reads a signature to its end, into memory: 36 bytes a block at most, within `limits`.
 *
 * @throws {FormatError} if the bytes are no signature, or one beyond the limits; `readable` is cancelled with the error.
 * @throws {TypeError} if `readable` is locked, or gives what is no bytes.
 *
 * @example
 * ```ts
 * import { loadSignature, SignatureStream } from 'combstream/rsync'
 *
 * const signature = await loadSignature(new Blob(['a basis']).stream().pipeThrough(new SignatureStream()))
 * console.log(signature.blockLength, signature.strongLength) // 2048 32
 * ```
 */
export async function loadSignature(
  readable: ReadableStream<Uint8Array>,
  { signal, ...options }: LoadSignatureOptions = {},
): Promise<Signature> {
  const sink = new SignatureSink(options)
  const piped = readable.pipeTo(sink, signal && { signal })
  // The sink knows first of what goes wrong while bytes flow, the pipe alone of a stream that is locked.
  return await Promise.race([sink.signature, piped.then(() => sink.signature)])
}
