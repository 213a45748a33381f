import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { StreamStore } from '../../src/store.ts'
import { collectHastily } from '../support/hasty-collector.ts'
import { type Harm, healingSuite, objectsOf } from '../support/healing-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, put, text } from '../support/store-tools.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'combstream-healing-'))
  cleanups.push(() => rm(path, { recursive: true }))
  return path
}

async function open(path: string, options = {}): ReturnType<typeof directoryBackend> {
  const backend = await directoryBackend(path, options)
  cleanups.push(() => backend.close())
  return backend
}

/** Harms an object's file. */
async function harmFile(path: string, object: string, harm: Harm): Promise<void> {
  const files = await readdir(join(path, 'blocks'), { recursive: true })
  const file = join(
    path,
    'blocks',
    files.find((each) => basename(each) === object)!,
  )
  const harmed = harm(new Uint8Array(await readFile(file)))
  if (harmed) await writeFile(file, harmed)
  else await unlink(file)
}

healingSuite(
  'content in a directory whose files are harmed',
  async () => {
    const path = await newDirectory()
    const backend = await open(path)
    return { backend, harm: (object, harm) => harmFile(path, object, harm) }
  },
  [
    { blocks: 1, harmed: [0], harms: ['lost'] },
    { blocks: 2, harmed: [0, 1], harms: ['cut off', 'flipped, as its mark says'] },
    { blocks: 3, harmed: [0, 1, 2], harms: ['lost', 'cut off', 'flipped, as a reader has found'] },
  ],
)

describe('a damaged directory', () => {
  it('is healed by two engines, like those of two processes, that store the same content concurrently', async () => {
    const path = await newDirectory()
    const backends = await Promise.all([path, path].map((each) => open(each)))
    const stores = backends.map((backend) => new StreamStore(backend, { blockSize: 1_000 }))
    const bytes = pattern(6_000)
    const { id } = await put(stores[0]!, bytes, { reference: text('r') })
    for (let round = 0; round < 5; round++) {
      await harmFile(path, (await objectsOf(backends[0]!, id))[round]!, () => undefined)
      const stored = await Promise.all(
        stores.map((store, index) => put(store, bytes, { reference: text(`${round} ${index}`) })),
      )
      expect(stored.map((each) => each.id)).toEqual([id, id])
      for (const store of stores) expect(await collect((await store.open(id)).stream())).toEqual(bytes)
      await collectHastily(backends[round % 2]!)
    }
    await collectHastily(backends[0]!)
    const { problems, unfinished, objects, references } = await inspectStore(backends[0]!)
    expect({ problems, unfinished, objects }).toEqual({ problems: [], unfinished: [], objects: 6 })
    expect(references).toHaveLength(11)
  })

  it('is read without being written, and reports its damage', async () => {
    const path = await newDirectory()
    const backend = await open(path)
    const { id } = await put(new StreamStore(backend, { blockSize: 1_000 }), pattern(2_500), { reference: text('r') })
    await harmFile(path, (await objectsOf(backend, id))[1]!, (bytes) => bytes.fill(0))
    const stored = await new StreamStore(await open(path, { readOnly: true })).open(id)
    const damage = { name: 'IntegrityError', streamId: id, blockIndex: 1 }
    await expect(collect(stored.stream())).rejects.toMatchObject(damage)
    expect(await collect(stored.slice(2_000).stream())).toEqual(pattern(2_500).slice(2_000))
    // The damage could not be recorded, so the content still counts as whole until a reader that can write finds it.
    const store = new StreamStore(backend, { blockSize: 1_000 })
    await put(store, pattern(2_500))
    await expect(collect((await store.open(id)).stream())).rejects.toMatchObject(damage)
    await put(store, pattern(2_500))
    expect(await collect((await store.open(id)).stream())).toEqual(pattern(2_500))
  })
})
