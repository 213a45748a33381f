import { closeSync, open } from 'node:fs'
import { promisify } from 'node:util'
import { abortable, markHandled } from '../bytes/promises.ts'
import { BrokenPipeError } from './broken-pipe-error.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A sink for a device or a named pipe. The reader of a named pipe may open and read it at any time, or never; only the
 * signal ends the wait.
 */
export async function deviceSink(path: string, signal: AbortSignal): Promise<WritableStream<Uint8Array>> {
  const fd = await abortable(promisify(open)(path, 'w'), signal)
  let writing: Promise<void> = Promise.resolve()
  let closing: Promise<void> | undefined
  /**
   * A blocked write keeps using the descriptor, even after an abort. Both a failed write and an abort close the
   * descriptor; it is closed only once, because its number may belong to another file by then.
   */
  const close = (): void => {
    closing ??= writing.catch(() => undefined).then(() => closeSync(fd))
    markHandled(closing)
  }
  return new WritableStream<Uint8Array>(
    {
      async write(chunk) {
        writing = writeWhole(fd, chunk)
        try {
          await abortable(writing, signal)
        } catch (error) {
          close()
          if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EPIPE') throw error
          throw new BrokenPipeError('the reader of the output has closed it', { cause: error })
        }
      },
      close: () => closeSync(fd),
      abort: close,
    },
    { highWaterMark: 1 },
  )
}
