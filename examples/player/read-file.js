/** A file could not be read, or has changed since it was chosen. */
export class FileError extends Error {
  /** @override */
  name = 'FileError'
}

/**
 * The bytes of a file. Its own `stream()` fails with an error that looks like a network error; this one says that the file
 * is the cause. It also fails if the file has changed since it was chosen, which Firefox does not notice.
 *
 * @param {Blob} file
 * @returns {ReadableStream<Uint8Array<ArrayBuffer>>}
 */
export function readFile(file) {
  const reader = file.stream().getReader()
  let missing = file.size
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((cause) => {
        throw new FileError('has it been changed, moved or deleted?', { cause })
      })
      missing -= value?.byteLength ?? 0
      if (done ? missing !== 0 : missing < 0) throw new FileError('it has changed since it was chosen')
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
