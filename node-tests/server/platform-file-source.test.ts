import { appendFile, link, mkdtemp, open, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import type { ByteSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { ReusingReader } from '../../src/bytes/reusing-reader.ts'
import { fileSource } from '../../src/platform.ts'
import { pattern } from '../support/store-tools.ts'

const bytes = pattern(2_500_000)

let root = ''
let path = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function makeFile(content: Uint8Array = bytes): Promise<string> {
  path = join(root, `file ${Math.random()}`)
  await writeFile(path, content)
  return path
}

/** Resolves once a change would give the file another ctime, however coarse the clock of the file system is. */
async function changeTick(file: string): Promise<void> {
  const probe = `${file} probe`
  const { ctimeMs } = await stat(file)
  for (;;) {
    await writeFile(probe, '')
    if ((await stat(probe)).ctimeMs > ctimeMs) return
    // Without a pause, the wait keeps a core busy.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Compares the bytes itself, because a matcher takes seconds for megabytes. */
async function gives(source: ByteSource, expected: Uint8Array): Promise<boolean> {
  return equalBytes(await collect(source.stream()), expected)
}

describe('fileSource', () => {
  it('reads a file, in chunks of 1 MiB, any number of times', async () => {
    const source = await fileSource(await makeFile())
    expect(source.size).toBe(bytes.byteLength)
    for (let round = 0; round < 2; round++) {
      const lengths: number[] = []
      const reader = source.stream().getReader()
      for (let result = await reader.read(); !result.done; result = await reader.read()) {
        lengths.push(result.value.byteLength)
      }
      expect(lengths).toEqual([1_048_576, 1_048_576, 402_848])
    }
    expect(await gives(source, bytes)).toBe(true)
  })

  it('reads into the buffer of a reader that provides one', async () => {
    const source = await fileSource(await makeFile())
    const reader = new ReusingReader(source.slice(5).stream())
    const read = new Uint8Array(bytes.byteLength)
    let end = 5
    for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
      read.set(chunk, end)
      end += chunk.byteLength
    }
    expect(end).toBe(bytes.byteLength)
    expect(equalBytes(read.subarray(5), bytes.subarray(5))).toBe(true)

    const longer = await fileSource(await makeFile())
    await truncate(path, 1000)
    await utimes(path, new Date(), new Date(0))
    await expect(new ReusingReader(longer.stream()).read()).rejects.toMatchObject({
      name: 'ConflictError',
    })
  })

  it('is sliced like a Blob, and so are its slices', async () => {
    const source = await fileSource(pathToFileURL(await makeFile()))
    for (const range of [[], [5], [-5], [100, 2_000_000], [1_048_575, 1_048_577], [7, 7], [9, 3]] as const) {
      const slice = source.slice(...range)
      const expected = bytes.slice(...range)
      expect(await gives(slice, expected)).toBe(true)
      expect(await gives(slice.slice(1, -1), expected.slice(1, -1))).toBe(true)
    }
  })

  it('reads an empty file', async () => {
    const source = await fileSource(await makeFile(new Uint8Array(0)))
    expect(source.size).toBe(0)
    expect(await collect(source.stream())).toEqual(new Uint8Array(0))
  })

  it('accepts a handle, which it does not close', async () => {
    const handle = await open(await makeFile(), 'r')
    const source = await fileSource(handle)
    const slice = source.slice(10, 20)
    expect(await Promise.all([gives(source, bytes), gives(slice, bytes.slice(10, 20))])).toEqual([true, true])
    await source.stream().cancel()
    expect((await handle.stat()).size).toBe(bytes.byteLength)
    await handle.close()
  })

  it('fails with a ConflictError when the file has been changed since', async () => {
    const source = await fileSource(await makeFile())
    await appendFile(path, 'x')
    await expect(collect(source.stream())).rejects.toMatchObject({ name: 'ConflictError' })
    const other = await fileSource(await makeFile())
    await utimes(path, 1, 1)
    await expect(collect(other.stream())).rejects.toMatchObject({ name: 'ConflictError' })
  })

  it.each([
    ['path', (file: string) => Promise.resolve(file)],
    ['handle', (file: string) => open(file, 'r')],
  ] as const)(
    'fails with a ConflictError when the file was changed and its size and times were restored (%s)',
    async (_, give) => {
      const changes: readonly ((file: string) => Promise<unknown>)[] = [
        // Changes the file in place, at the beginning. Its end stays the same.
        async (file) => {
          const { atime, mtime } = await stat(file)
          const handle = await open(file, 'r+')
          await handle.write(bytes, 7, 1, 0)
          await handle.close()
          await utimes(file, atime, mtime)
        },
        // Replaces the file by another of the same size and times. An open handle still has the old one.
        async (file) => {
          const { atime, mtime } = await stat(file)
          await writeFile(`${file} new`, bytes.toReversed())
          await utimes(`${file} new`, atime, mtime)
          await rename(`${file} new`, file)
        },
        // The same, by one that has another name besides. Only the inode tells that from a file that got another name.
        async (file) => {
          const { atime, mtime } = await stat(file)
          await writeFile(`${file} new`, bytes.toReversed())
          await utimes(`${file} new`, atime, mtime)
          await rm(`${file} too`, { force: true })
          await link(`${file} new`, `${file} too`)
          await rename(`${file} new`, file)
        },
      ]
      for (const change of changes) {
        const file = await makeFile()
        await utimes(file, 1000, 1000)
        await changeTick(file)
        const given = await give(file)
        const source = await fileSource(given)
        const reader = source.stream().getReader()
        await reader.read()
        await change(file)
        const rest = async (): Promise<void> => {
          while (!(await reader.read()).done);
        }
        const isSame = typeof given !== 'string' && change !== changes[0]
        // A stream that has started reads the file that it opened to its end.
        if (change === changes[0]) await expect(rest()).rejects.toMatchObject({ name: 'ConflictError' })
        else await rest()
        const again = collect(source.stream())
        if (isSame) expect(equalBytes(await again, bytes)).toBe(true)
        else await expect(again).rejects.toMatchObject({ name: 'ConflictError' })
        if (typeof given !== 'string') await given.close()
      }
    },
  )

  it('fails with a ConflictError, before its last chunk, when the file is changed while it is read', async () => {
    const source = await fileSource(await makeFile())
    const reader = source.stream().getReader()
    await reader.read()
    const file = await open(path, 'r+')
    await file.write(bytes, 0, 1, bytes.byteLength - 1)
    await file.close()
    // Shows the change however coarse the clock of the file system is.
    await utimes(path, 1, 1)
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    }
    await expect(rest()).rejects.toMatchObject({ name: 'ConflictError' })
  })

  it('fails instead of ending when the file becomes shorter while it is read', async () => {
    const source = await fileSource(await makeFile())
    const reader = source.stream().getReader()
    await reader.read()
    await truncate(path, 1_500_000)
    await expect(reader.read()).rejects.toMatchObject({ name: 'BackendError' })
  })

  it('can be cancelled before, while and after it reads', async () => {
    const source = await fileSource(await makeFile())
    await source.stream().cancel()
    const reading = source.stream().getReader()
    const pending = reading.read()
    await reading.cancel()
    await pending
    const read = source.stream().getReader()
    await read.read()
    await read.cancel()
    expect(await read.read()).toEqual({ done: true, value: undefined })
  })

  it('refuses anything but a regular file', async () => {
    await expect(fileSource(join(root, 'absent'))).rejects.toMatchObject({ name: 'NotFoundError' })
    await expect(fileSource(root)).rejects.toThrow(TypeError)
    for (const wrong of [undefined, null, 5, new Uint8Array(1_000_000), Object.create(null)]) {
      const file = wrong as unknown as string
      await expect(fileSource(file)).rejects.toThrow(/^file must be a path, a URL or a FileHandle, got .{1,50}$/)
    }
    for (const long of ['x'.repeat(1_000_000), new URL(`file:///${'x'.repeat(1_000_000)}`)]) {
      await expect(fileSource(long)).rejects.toMatchObject({
        name: 'NotFoundError',
        message: expect.stringMatching(/^.{1,500}$/),
      })
    }
    const source = await fileSource(await makeFile())
    await rm(path)
    await expect(collect(source.stream())).rejects.toMatchObject({ name: 'NotFoundError' })
  })
})
