/**
 * Writes pieces that are in memory to a sink, and closes it. No source has to make them first, as none has to for the bare
 * engine: chunks of a source are given away, so that each is a copy in new memory.
 */
export async function writePieces(sink: WritableStream<Uint8Array>, pieces: Iterable<Uint8Array>): Promise<void> {
  const writer = sink.getWriter()
  for (const piece of pieces) await writer.write(piece)
  await writer.close()
}
