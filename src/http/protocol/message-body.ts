/**
 * The body of a Request or a Response; null if it has none. Firefox has no `Request.body`, and hosts with polyfilled
 * streams have no `body` at all: there the body is read as a whole.
 */
export async function bodyOf(message: Request | Response): Promise<ReadableStream<Uint8Array> | null> {
  const { body }: { body?: ReadableStream<Uint8Array> | null } = message
  return body === undefined ? (await message.blob()).stream() : body
}
