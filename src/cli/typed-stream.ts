import { mediaTypeOf } from './media-type-of.ts'
import { withTextCharset } from './text-charset.ts'

/** What the user says that a stream is, or what its names say. */
export async function typedStream(
  stream: ReadableStream<Uint8Array>,
  said: string | undefined,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ type: string | undefined; stream: ReadableStream<Uint8Array> }> {
  const type = names.map(mediaTypeOf).find((each) => each !== undefined)
  if (said !== undefined || type === undefined) return { type: said, stream }
  return withTextCharset({ type, stream }, signal)
}
