import { statSync } from 'node:fs'
import { deviceSink } from './device-sink.ts'
import { openPartialFile } from './partial-file.ts'
import { systemError } from './system-error.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A file as the end of a pipe of streams: under its name there is the old content or the new one, never a part. What is
 * not a regular file (a device, a named pipe) is written to as it is, until the signal aborts.
 */
export async function fileSink(path: string, signal: AbortSignal): Promise<WritableStream<Uint8Array>> {
  const existing = statSync(path, { throwIfNoEntry: false })
  if (existing?.isDirectory()) throw systemError('EISDIR', path)
  if (existing && !existing.isFile()) return deviceSink(path, signal)

  const file = openPartialFile(path, { existing, replace: true })
  /** A stream whose write has failed is not told to abort. */
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
