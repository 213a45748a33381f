import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { abortable, markHandled } from '../bytes/promises.ts'
import { errorLine } from './error-line.ts'
import { keepAttributes, type LostAttributes } from './keep-attributes.ts'
import { printLine } from './print-line.ts'
import { BrokenPipeError } from './stdio.ts'
import { isMissing, systemError } from './system-error.ts'

/** As many as Linux follows. */
const MAX_LINKS = 40

/**
 * A file as the end of a pipe of streams. The bytes go to a hidden file beside it, which takes its name when they are
 * complete: under the name there is the old content or the new one, never a part. Owner, group and mode stay those of
 * the file that is replaced; a line on stderr says so where the system does not allow it. What is no regular file (a device, a
 * named pipe) is written to as it is, until the signal aborts. With `replace: false` the stream fails if there is such a
 * file by then.
 */
export async function fileSink(
  path: string,
  { signal, replace = true }: { readonly signal: AbortSignal; readonly replace?: boolean },
): Promise<WritableStream<Uint8Array>> {
  const existing = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (existing?.isDirectory()) throw systemError('EISDIR', path)
  if (existing && !existing.isFile()) return deviceSink(path, signal)

  // The user knows the file by its own name.
  const refuse = (error: unknown): never => {
    throw systemError((error as NodeJS.ErrnoException).code ?? 'EIO', path, error)
  }
  // A link stays a link, to the new file.
  const target = await (existing ? realpath(path) : targetOf(path)).catch(refuse)
  const partial = join(dirname(target), `.comb-${randomUUID()}.part`)
  // Not readable by more people than the file that it replaces, while it is written either.
  const handle = await open(partial, 'wx', existing ? existing.mode & 0o777 : undefined).catch(refuse)
  return handleSink(handle, {
    async keep() {
      const lost = existing && (await keepAttributes(handle, existing))
      await handle.sync()
      await handle.close()
      await (replace ? rename(partial, target) : renameToNew(partial, target)).catch(refuse)
      if (lost) tell(path, lost)
    },
    drop: () => rm(partial, { force: true }),
  })
}

function tell(path: string, { names, cause }: LostAttributes): void {
  const why = cause === undefined ? 'the file system does not keep it' : errorLine(cause)
  printLine(`${path} has another ${names.join(' and ')} now: ${why}`)
}

/** What file systems that have no links say. */
const WITHOUT_LINKS = new Set<string | undefined>(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

/** Systems have no such call in common, but links, which never take the place of a file. */
async function renameToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!WITHOUT_LINKS.has((error as NodeJS.ErrnoException).code)) throw error
    return rename(from, to)
  }
  await rm(from)
}

/**
 * Where a new file will be: also at the end of links whose target is not there yet. Each step asks the system for the
 * folder, since `..` leads up from where a link to a folder leads to.
 */
async function targetOf(path: string): Promise<string> {
  let target = path
  for (let links = 0; links < MAX_LINKS; links++) {
    if (target.endsWith('/')) throw systemError('EISDIR', path)
    const folder = await realpath(dirname(target))
    const next = await readlink(target).catch(() => undefined)
    if (next === undefined) return join(folder, basename(target))
    target = isAbsolute(next) ? next : `${folder}/${next}`
  }
  throw systemError('ELOOP', path)
}

/** The other end of a named pipe may open it, and read, as late as it likes, or never: only the signal ends that. */
async function deviceSink(path: string, signal: AbortSignal): Promise<WritableStream<Uint8Array>> {
  const handle = await abortable(open(path, 'w'), signal)
  // It waits for a write that is held.
  const close = (): void => markHandled(handle.close())
  return new WritableStream<Uint8Array>(
    {
      async write(chunk) {
        try {
          await abortable(writeWhole(handle, chunk), signal)
        } catch (error) {
          close()
          if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EPIPE') throw error
          throw new BrokenPipeError('the reader of the output has gone', { cause: error })
        }
      },
      close: () => handle.close(),
      abort: close,
    },
    { highWaterMark: 1 },
  )
}

interface Ending {
  /** All bytes are written. */
  keep(): Promise<void>
  /** They will never be. */
  drop(): Promise<void>
}

function handleSink(handle: FileHandle, { keep, drop }: Ending): WritableStream<Uint8Array> {
  const giveUp = async (): Promise<void> => {
    await handle.close()
    await drop()
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
