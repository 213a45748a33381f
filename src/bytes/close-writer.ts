/** Closes a writer. A stream that has failed refuses `close()` with a TypeError; `closed` rejects with the reason. */
export async function closeWriter(writer: WritableStreamDefaultWriter): Promise<void> {
  try {
    await writer.close()
  } catch (error) {
    await writer.closed
    throw error
  }
}
