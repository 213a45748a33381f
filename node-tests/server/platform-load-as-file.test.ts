import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { loadAsFile } from '../../src/platform.ts'
import { StreamStore } from '../../src/store.ts'
import { pattern, put } from '../support/store-tools.ts'
import { rejection } from '../support/streams.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('loadStreamAsFile', () => {
  const bytes = pattern(700_000)

  it('replaces the old file with a stored stream, a slice of one, or any other source', async () => {
    const stored = await put(new StreamStore(memoryBackend(), { blockSize: 100_000 }), bytes)
    for (const [source, expected] of [
      [stored, bytes],
      [stored.slice(50_000, 250_001), bytes.slice(50_000, 250_001)],
      [new Blob([bytes]), bytes],
      [new Blob([]), new Uint8Array(0)],
    ] as const) {
      const path = join(root, 'a file')
      await loadAsFile(source, source.size === 700_000 ? path : pathToFileURL(path))
      expect((await readFile(path)).equals(expected)).toBe(true)
      expect(await readdir(root)).toEqual(['a file'])
    }
  })

  it('leaves the old file, and no other, if it fails or is aborted', async () => {
    const path = join(root, 'a file')
    await writeFile(path, 'old')
    const failure = new Error('enough')
    const abort = new AbortController()
    const broken = (act: (controller: ReadableStreamDefaultController<Uint8Array>) => unknown) => ({
      ...bytesSource(bytes),
      stream: () =>
        new ReadableStream<Uint8Array>({
          start: (controller) => controller.enqueue(bytes),
          pull: async (controller) => void (await act(controller)),
        }),
    })
    const never = new Promise<void>(() => undefined)
    const cases = [
      () =>
        loadAsFile(
          broken((controller) => controller.error(failure)),
          path,
        ),
      () =>
        loadAsFile(
          broken(() => (abort.abort(failure), never)),
          path,
          { signal: abort.signal },
        ),
      () => loadAsFile(new Blob(['x']), path, { signal: AbortSignal.abort(failure) }),
    ]
    for (const run of cases) expect(await rejection(run())).toBe(failure)
    expect(await rejection(loadAsFile(new Blob(['x']), join(root, 'none', 'x')))).toMatchObject({
      name: 'BackendError',
      retryable: false,
    })
    expect(await rejection(loadAsFile(new Blob(['x']), root))).toMatchObject({ name: 'BackendError' })
    await expect(loadAsFile(7 as unknown as Blob, path)).rejects.toThrow(TypeError)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(root)).toEqual(['a file'])
  })
})
