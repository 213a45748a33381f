import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing, systemError } from './system-error.ts'

/**
 * A file as the end of a pipe of streams. The bytes go to a hidden file beside it, which takes its name when they are
 * complete: under the name there is the old content or the new one, never a part. What is no regular file (a device, a
 * named pipe) is written to as it is. With `replace: false` the stream fails if there is such a file by then.
 */
export async function fileSink(
  path: string,
  { replace = true }: { readonly replace?: boolean } = {},
): Promise<WritableStream<Uint8Array>> {
  const existing = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (existing?.isDirectory()) throw systemError('EISDIR', path)
  if (existing && !existing.isFile()) return handleSink(await open(path, 'w'), { keep: () => Promise.resolve() })

  // A link stays a link, to the new file.
  const target = existing ? await realpath(path) : path
  const partial = join(dirname(target), `.comb-${randomUUID()}.part`)
  // Not readable by more people than the file that it replaces, while it is written either.
  const handle = await open(partial, 'wx', existing ? existing.mode & 0o777 : undefined).catch((error: unknown) => {
    // The user knows the file by its own name.
    throw systemError((error as NodeJS.ErrnoException).code ?? 'EIO', path, error)
  })
  return handleSink(handle, {
    async keep() {
      if (existing) await handle.chmod(existing.mode & 0o777)
      await handle.sync()
      await handle.close()
      await (replace ? rename(partial, target) : renameToNew(partial, target))
    },
    drop: () => rm(partial, { force: true }),
  })
}

/** Systems have no such call in common, but links, which never take the place of a file. */
async function renameToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw systemError(code, to, error)
    // Some file systems have no links.
    return rename(from, to)
  }
  await rm(from)
}

interface Ending {
  /** All bytes are written. */
  keep(): Promise<void>
  /** They will never be. */
  drop?(): Promise<void>
}

function handleSink(handle: FileHandle, { keep, drop }: Ending): WritableStream<Uint8Array> {
  const giveUp = async (): Promise<void> => {
    await handle.close()
    await drop?.()
  }
  /** A stream whose write has failed is not told to abort. */
  const step = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      await giveUp()
      throw error
    }
  }
  return new WritableStream<Uint8Array>(
    {
      write: (chunk) => step(() => writeWhole(handle, chunk)),
      close: () =>
        step(async () => {
          await keep()
          await handle.close()
        }),
      abort: giveUp,
    },
    { highWaterMark: 1 },
  )
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, offset)
    offset += bytesWritten
  }
}
