/** A file could not be read, or is not what it was when it was chosen. */
export class FileError extends Error {
  /** @override */
  name = 'FileError'
}

/**
 * The bytes of a file. Its `stream()` fails with what looks like an error of the network; this one says that it is the
 * file. Firefox also reads a file that has changed since it was chosen.
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
