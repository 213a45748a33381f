import { open, type FileHandle } from 'node:fs/promises'
import type { ByteRange } from '../bytes/byte-range.ts'
import { type ByteSource, rangeSource } from '../bytes/byte-source.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { describeValue } from '../bytes/describe-value.ts'
import { codeOf } from '../bytes/error-code.ts'
import { BackendError, ConflictError, NotFoundError } from '../errors.ts'
import { fileError } from './file-error.ts'

/** Bytes of a chunk. With 64 KiB, reading takes more than twice the time. */
const CHUNK_BYTES = 1024 * 1024
/** Longest path that a message contains in full. */
const MAX_NAME_CHARACTERS = 400

interface FileState {
  readonly size: number
  /** Equal for two moments if the file is the same, and of the same size and time. */
  readonly content: string
  /** When anything about the file was last changed; no program can set this. */
  readonly ctimeNs: bigint
  readonly links: bigint
}

/**
 * A file on disk as a {@linkcode ByteSource}: pulled from disk as it is read, in chunks of 1 MiB.
 *
 * A stream fails with a `ConflictError`, when it begins or before its last chunk, if the file has been changed since
 * this call. A change shows in the inode, the size or the times of the file; a program cannot restore all of them.
 * Adding or removing a name of the file is not a change. With a path, every stream opens the file, and closes it when
 * it ends. A file handle is not closed: its owner closes it after the last stream.
 *
 * @throws {NotFoundError} if there is no such file.
 * @throws {TypeError} if `file` is not a path, a URL or a handle, or it is not a regular file.
 * @throws {BackendError} if the file system refuses.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm, writeFile } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { fileSource } from 'combstream/platform'
 *
 * const directory = await mkdtemp(join(tmpdir(), 'example-'))
 * await writeFile(join(directory, 'honey.txt'), 'honey')
 * const source = await fileSource(join(directory, 'honey.txt'))
 * console.assert((await new Response(source.slice(1, 3).stream()).text()) === 'on')
 * await rm(directory, { recursive: true })
 * ```
 */
export async function fileSource(file: string | URL | FileHandle): Promise<ByteSource> {
  const name = typeof file === 'string' || file instanceof URL ? nameOf(file) : 'the file'
  /** Makes the check that a handle still has the file as it was. */
  const checkFor = (handle: FileHandle, before: FileState): (() => Promise<void>) => {
    return async () => {
      const now = await stateOf(handle, name)
      // Adding or removing a name changes the ctime.
      const isSame = now.content === before.content && (now.ctimeNs === before.ctimeNs || now.links !== before.links)
      if (!isSame) throw new ConflictError(`${name} has been changed`)
    }
  }
  if (typeof file !== 'string' && !(file instanceof URL)) {
    if (typeof file?.stat !== 'function') {
      throw new TypeError(`file must be a path, a URL or a FileHandle, got ${describeValue(file)}`)
    }
    const state = await stateOf(file, name)
    const check = checkFor(file, state)
    const useAgain = async (): Promise<OpenFile> => {
      await check()
      return { handle: file, check, close: () => Promise.resolve() }
    }
    return rangeSource(state.size, (range) => readFile(useAgain, range))
  }
  const first = await openFile(file)
  let state: FileState
  try {
    state = await stateOf(first, name)
  } finally {
    await first.close()
  }
  const openAgain = async (): Promise<OpenFile> => {
    const handle = await openFile(file)
    const check = checkFor(handle, state)
    try {
      await check()
      return { handle, check, close: () => handle.close() }
    } catch (error) {
      await handle.close()
      throw error
    }
  }
  return rangeSource(state.size, (range) => readFile(openAgain, range))
}

interface OpenFile {
  readonly handle: FileHandle
  /** Rejects if the file is not what it was. */
  check(): Promise<void>
  close(): Promise<void>
}

type Opener = () => Promise<OpenFile>

/** The path or URL as it is, unless it is too long for a message. */
function nameOf(file: string | URL): string {
  const name = String(file)
  return name.length > MAX_NAME_CHARACTERS ? describeValue(name) : name
}

async function openFile(file: string | URL): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (error) {
    // A name that is too long for the system is not the name of a file.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENAMETOOLONG') {
      throw new NotFoundError(`there is no file ${nameOf(file)}`, { cause: error })
    }
    throw fileError(error, `cannot open ${nameOf(file)}`)
  }
}

async function stateOf(handle: FileHandle, name: string): Promise<FileState> {
  const state = await handle.stat({ bigint: true })
  if (!state.isFile()) throw new TypeError(`${name} is not a regular file`)
  const { dev, ino, size, mtimeNs, ctimeNs, nlink } = state
  return { size: Number(size), content: [dev, ino, size, mtimeNs].join(':'), ctimeNs, links: nlink }
}

function readFile(opener: Opener, { start, end }: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = start
  let file: Promise<OpenFile> | undefined
  let reading: Promise<unknown> = Promise.resolve()

  /** A handle must not be closed while it is being read. */
  const close = async (): Promise<void> => {
    offset = end
    await reading.catch(() => undefined)
    await (await file?.catch(() => undefined))?.close()
    file = undefined
  }
  const read = async (bytes: Uint8Array): Promise<void> => {
    file ??= opener()
    const { handle, check } = await file
    for (let filled = 0; filled < bytes.byteLength;) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, offset + filled)
      if (bytesRead === 0) throw new BackendError('the file has become shorter', { retryable: false })
      filled += bytesRead
    }
    // Checked before the last bytes are delivered: a mix of two contents must not pass for one.
    if (offset + bytes.byteLength === end) await check()
  }
  /** Fills `buffer` with as many bytes as the range has left; returns their number. */
  const fill = async (buffer: Uint8Array): Promise<number> => {
    const bytes = buffer.subarray(0, end - offset)
    if (bytes.byteLength === 0) {
      await close()
      return 0
    }
    try {
      await (reading = read(bytes))
    } catch (error) {
      await close()
      throw fileError(error, 'cannot read the file')
    }
    offset += bytes.byteLength
    return bytes.byteLength
  }
  return byteStream({
    async next() {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - offset))
      return (await fill(chunk)) === 0 ? undefined : chunk
    },
    fill,
    cancel: close,
  })
}
