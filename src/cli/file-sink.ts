import { statSync } from 'node:fs'
import { deviceSink } from './device-sink.ts'
import { openPartialFile } from './partial-file.ts'
import { systemError } from './system-error.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A sink for a file. Its name refers to the old content or the new, never to part of it. If it is not a regular file (a
 * device, a named pipe), it is written to directly, until the signal aborts.
 */
export async function fileSink(path: string, signal: AbortSignal): Promise<WritableStream<Uint8Array>> {
  const existing = statSync(path, { throwIfNoEntry: false })
  if (existing?.isDirectory()) throw systemError('EISDIR', path)
  if (existing && !existing.isFile()) return deviceSink(path, signal)

  const file = openPartialFile(path, { existing, replace: true })
  /** `abort` is not called on a sink whose write has failed. */
  const step = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      file.drop()
      throw error
    }
  }
  return new WritableStream<Uint8Array>(
    {
      write: (chunk) => step(() => writeWhole(file.fd, chunk)),
      close: () => step(() => file.keep()),
      abort: () => file.drop(),
    },
    { highWaterMark: 1 },
  )
}
