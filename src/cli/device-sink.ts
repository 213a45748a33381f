import { closeSync, open } from 'node:fs'
import { promisify } from 'node:util'
import { abortable, markHandled } from '../bytes/promises.ts'
import { BrokenPipeError } from './broken-pipe-error.ts'
import { writeWhole } from './write-whole.ts'

/**
 * A device or a named pipe as the end of a pipe of streams. The other end of a named pipe may open it, and read, as late
 * as it likes, or never: only the signal ends that.
 */
export async function deviceSink(path: string, signal: AbortSignal): Promise<WritableStream<Uint8Array>> {
  const fd = await abortable(promisify(open)(path, 'w'), signal)
  let writing: Promise<void> = Promise.resolve()
  let closing: Promise<void> | undefined
  /**
   * A write that is held goes on with the descriptor, whoever has given up. Both a write that fails and an abort close it;
   * a second time, it could be that of another file by then.
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
          throw new BrokenPipeError('the reader of the output has gone', { cause: error })
        }
      },
      close: () => closeSync(fd),
      abort: close,
    },
    { highWaterMark: 1 },
  )
}
