import type { LoadSignatureJobOptions } from './load-signature-job.ts'
import type { Signature } from './signature.ts'
import { SignatureSink } from './signature-sink.ts'
import { type ByteInput, toByteStream } from './to-byte-stream.ts'

/** Options of {@linkcode loadSignature}. */
export interface LoadSignatureOptions extends LoadSignatureJobOptions {
  /** Aborts loading with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Loads a signature, from bytes, a Blob or a stream of them, into memory. It takes up to 36 bytes per block, within `limits`.
 *
 * @throws {FormatError} if the bytes are not a signature, or exceed the limits. A stream is then cancelled with the
 * error.
 * @throws {TypeError} if `signature` is not bytes, a Blob, a ByteSource or a stream; or if it is a stream that is locked,
 * or yields anything but bytes.
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
  signature: ByteInput,
  { signal, ...options }: LoadSignatureOptions = {},
): Promise<Signature> {
  const sink = new SignatureSink(options)
  const piped = toByteStream(signature, 'signature').pipeTo(sink, signal && { signal })
  // The sink is the first to report errors in the data; only the pipe reports that the stream is locked.
  return await Promise.race([sink.signature, piped.then(() => sink.signature)])
}
