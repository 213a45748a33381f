import { open, rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { assertByteSource, type ByteSource } from '../bytes/byte-source.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'
import { ReusingReader } from '../bytes/reusing-reader.ts'
import { fileError } from './file-error.ts'

/** Options of {@linkcode loadAsFile}. */
export interface LoadAsFileOptions {
  /** Gives up with its reason, and leaves the file as it was. */
  signal?: AbortSignal | undefined
}

/**
 * Writes all bytes of a source to a file: a stored stream, for example (AtlasDB's loadStreamAsFile). The path refers to
 * the old file or to the whole new one, never to a part: the bytes go to a new file beside it, which is synced and then
 * renamed. It takes a few hundred kilobytes of memory besides what the source takes.
 *
 * @throws {QuotaExceededError} if the disk is full.
 * @throws {BackendError} if the file system refuses.
 * @throws whatever the source's stream fails with.
 *
 * @example
 * ```ts
 * import { mkdtemp, readFile, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { loadAsFile } from 'combstream/platform'
 *
 * const directory = await mkdtemp(join(tmpdir(), 'example-'))
 * await loadAsFile(new Blob(['honey']), join(directory, 'honey.txt'))
 * console.assert((await readFile(join(directory, 'honey.txt'), 'utf8')) === 'honey')
 * await rm(directory, { recursive: true })
 * ```
 */
export async function loadAsFile(
  source: ByteSource,
  file: string | URL,
  { signal }: LoadAsFileOptions = {},
): Promise<void> {
  assertByteSource(source, 'source')
  signal?.throwIfAborted()
  const path = file instanceof URL ? fileURLToPath(file) : file
  const partial = `${path}.${Math.random().toString(36).slice(2)}.part`
  try {
    await writeFile(partial, source, signal)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw fileError(error, `cannot write ${path}`)
  }
}

async function writeFile(path: string, source: ByteSource, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(path, 'wx')
  const reader = new ReusingReader(source.stream())
  // The cancelled stream seems to end; the signal tells why.
  const stop = onAbort([signal], (reason) => markHandled(reader.cancel(reason)))
  try {
    for (let bytes = await reader.read(); bytes; bytes = await reader.read()) {
      for (let written = 0; written < bytes.byteLength;) {
        written += (await handle.write(bytes, written)).bytesWritten
      }
    }
    signal?.throwIfAborted()
    await handle.sync()
  } catch (error) {
    markHandled(reader.cancel(error))
    throw error
  } finally {
    stop()
    await handle.close()
  }
}
