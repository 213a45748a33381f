import { mediaTypeOf } from './media-type-of.ts'
import { withTextCharset } from './text-charset.ts'

/** Where the media type of a stream comes from: the user, or the names of the file and the entry. */
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
