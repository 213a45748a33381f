import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend, type DirectoryBackendOptions } from '../../src/backends/directory.ts'
import { openDirectory } from '../../src/backends/directory/directory-backend.ts'
import { type FileCalls, nodeFiles } from '../../src/backends/directory/file-calls.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { readFixture, unpackHive } from '../support/hive-fixture.ts'
import { sample } from '../support/sample.ts'
import { pattern, text } from '../support/store-tools.ts'

const MARKER = 'combstream-directory'
const DATABASE = 'metadata.sqlite'
const LOG = 'metadata.sqlite-wal'
const SHARED_MEMORY = 'metadata.sqlite-shm'
const BLOCKS = 'blocks'
const ROWS = 'combstream-rows'
const PARTS = [MARKER, DATABASE, LOG, SHARED_MEMORY, BLOCKS] as const

/** A hive whose parts are copied. */
interface Original {
  readonly name: string
  readonly aliases: readonly string[]
  /** Whether its rows are in the log. */
  readonly inLog: boolean
  /** Creates its files in a directory. */
  make(directory: string): Promise<void>
}

const ORIGINALS: readonly Original[] = [
  { name: 'open', aliases: ['a', 'b'], inLog: true, make: (directory) => makeHive(directory, true) },
  { name: 'closed', aliases: ['a', 'b'], inLog: false, make: (directory) => makeHive(directory, false) },
  { name: 'open, made by 0.1.0', aliases: ['bee'], inLog: true, make: (directory) => unpack(directory, 'killed') },
]

const MODES: readonly DirectoryBackendOptions[] = [{}, { readOnly: true }]

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

function fresh(): string {
  return join(root, String(made++))
}

async function makeHive(directory: string, open: boolean): Promise<void> {
  const source = fresh()
  const store = new StreamStore(await directoryBackend(source), { blockSize: 1000 })
  const hive = new LocalHive(store)
  for (const alias of ['a', 'b']) await new Blob([pattern(3000)]).stream().pipeTo(hive.sink(alias))
  if (!open) await store.close()
  await cp(source, directory, { recursive: true })
  if (open) await store.close()
}

async function unpack(directory: string, name: string): Promise<void> {
  await unpackHive((await readFixture('hive-0.1.0')).hives[name]!, directory)
}

/** Returns the names of the entries, or the error of opening the hive. */
async function aliasesIn(directory: string, options: DirectoryBackendOptions): Promise<string[] | Error> {
  let store: StreamStore
  try {
    store = new StreamStore(await directoryBackend(directory, options))
  } catch (error) {
    return error as Error
  }
  try {
    return (await new LocalHive(store).list()).entries.map((entry) => entry.alias)
  } catch (error) {
    return error as Error
  } finally {
    await store.close()
  }
}

const REFUSED = { name: 'FormatError', reason: 'truncated' }

describe.each(ORIGINALS)('a copy of a hive ($name)', ({ aliases, inLog, make }) => {
  let original = ''
  beforeAll(async () => {
    original = fresh()
    await make(original)
  })

  const subsets = Array.from({ length: 2 ** PARTS.length }, (_, bits) => PARTS.filter((_part, i) => bits & (1 << i)))
  it.each(sample(subsets))('has all entries or is refused if it consists only of %s %s %s %s %s', async (...parts) => {
    const has = (part: string): boolean => parts.includes(part as (typeof PARTS)[number])
    for (const options of MODES) {
      const copy = fresh()
      await mkdir(copy)
      for (const part of parts) {
        await cp(join(original, part), join(copy, part), { recursive: true }).catch((error: { code?: string }) => {
          expect([LOG, SHARED_MEMORY], 'a hive that is closed has no log').toContain(part)
          expect(error.code).toBe('ENOENT')
        })
      }
      const hasRows = has(DATABASE) && (!inLog || has(LOG))
      const found = await aliasesIn(copy, options)
      const where = JSON.stringify(options)
      if (has(MARKER) && hasRows) {
        expect(found, where).toEqual(aliases)
      } else if (has(MARKER) && has(DATABASE) && !has(BLOCKS) && Array.isArray(found)) {
        // Without rows and blocks, a copy of a hive is the same as a copy of a new hive.
        expect(found, where).toEqual([])
      } else if (has(MARKER) || has(BLOCKS) || (inLog && has(LOG) && !has(DATABASE))) {
        expect(found, where).toMatchObject(REFUSED)
      } else if (options.readOnly) {
        expect(found, where).toMatchObject({ name: 'NotFoundError' })
      } else if (hasRows) {
        expect(found, where).toMatchObject(REFUSED)
      } else {
        expect(found, where).toEqual([])
      }
      if (!(found instanceof Error) || options.readOnly) continue
      // A refusal damages nothing: once the rest has been copied too, the hive is complete.
      for (const part of PARTS) {
        if (!has(part)) await cp(join(original, part), join(copy, part), { recursive: true }).catch(() => undefined)
      }
      expect(await aliasesIn(copy, options), where).toEqual(aliases)
    }
  })

  it.each([MARKER, DATABASE, LOG, SHARED_MEMORY])(
    'is not mistaken for an empty hive if %s was truncated',
    async (name) => {
      const size = (await stat(join(original, name)).catch(() => undefined))?.size
      if (size === undefined) {
        expect([LOG, SHARED_MEMORY]).toContain(name)
        expect(inLog).toBe(false)
        return
      }
      for (const length of [0, 4096, size >> 1, size - 1]) {
        if (length >= size) continue
        for (const options of MODES) {
          const copy = fresh()
          await cp(original, copy, { recursive: true })
          await truncate(join(copy, name), length)
          const found = await aliasesIn(copy, options)
          const where = `${length} bytes, ${JSON.stringify(options)}`
          if (name === SHARED_MEMORY) {
            expect(found, where).toEqual(aliases)
          } else if (length === 0 && name !== MARKER) {
            expect(found, where).toMatchObject(REFUSED)
          } else if (name === LOG && Array.isArray(found)) {
            // As after a power failure, the last commits are lost, and this cannot be detected.
            expect(found, where).toEqual(aliases.slice(0, found.length))
          } else if (name === DATABASE && Array.isArray(found)) {
            // The truncated pages are in the log, or had no rows.
            expect(found, where).toEqual(aliases)
          } else {
            expect(found, where).toBeInstanceOf(Error)
            expect(['FormatError', 'BackendError'], where).toContain((found as Error).name)
          }
        }
      }
    },
  )

  it('lists its entries, and fails to return their bytes, if the blocks are missing or truncated', async () => {
    const copy = fresh()
    await cp(original, copy, { recursive: true })
    const blocks = await readdir(join(copy, BLOCKS), { recursive: true, withFileTypes: true })
    for (const file of blocks) if (file.isFile()) await truncate(join(file.parentPath, file.name), 1)
    for (const lose of [() => Promise.resolve(), () => rm(join(copy, BLOCKS), { recursive: true })]) {
      await lose()
      const store = new StreamStore(await directoryBackend(copy))
      const hive = new LocalHive(store)
      expect((await hive.list()).entries.map((entry) => entry.alias)).toEqual(aliases)
      await expect(hive.open(aliases[0]!).then((entry) => collect(entry.stream()))).rejects.toMatchObject({
        name: 'IntegrityError',
      })
      await store.close()
    }
  })
})

describe('a hive of 0.1.0 without entries', () => {
  it.each(['empty', 'killed empty', 'emptied'])('opens (%s), in every mode', async (name) => {
    for (const options of MODES) {
      const directory = fresh()
      await unpack(directory, name)
      expect(await aliasesIn(directory, options), JSON.stringify(options)).toEqual([])
    }
  })
})

describe('a hive that has only contents without objects', () => {
  /** A copy of a hive whose rows are in the log, without some of its files. */
  async function copyWithout(...names: readonly string[]): Promise<string> {
    const source = fresh()
    const copy = fresh()
    const backend = await directoryBackend(source)
    // As a process that stored nothing else leaves it: the version of the store is in the database.
    await backend.metadata.commit([], [{ key: text('store/v'), value: text('1') }])
    await backend.close()
    const store = new StreamStore(await directoryBackend(source))
    await new Blob(['honey']).stream().pipeTo(new LocalHive(store).sink('a'))
    await cp(source, copy, { recursive: true })
    await store.close()
    for (const name of [...names, SHARED_MEMORY]) await rm(join(copy, name), { recursive: true, force: true })
    return copy
  }

  it.each(MODES)('is refused without its log, or with a part of it that has no commit (%o)', async (options) => {
    for (const length of [undefined, 0, 32, 4096]) {
      const copy = await copyWithout()
      if (length === undefined) await rm(join(copy, LOG))
      else await truncate(join(copy, LOG), length)
      expect(await aliasesIn(copy, options), String(length)).toMatchObject(REFUSED)
    }
    expect(await aliasesIn(await copyWithout(), options)).toEqual(['a'])
  })

  it.each(MODES)('is refused without its marker (%o)', async (options) => {
    expect(await aliasesIn(await copyWithout(MARKER), options)).toMatchObject(REFUSED)
    expect(await aliasesIn(await copyWithout(MARKER, DATABASE, LOG, BLOCKS), options)).toMatchObject(REFUSED)
  })

  it('cannot be told from an empty one if a hive of an earlier version was copied, and can after its next commit', async () => {
    expect(await aliasesIn(await copyWithout(LOG, ROWS), {})).toEqual([])
    const copy = await copyWithout(ROWS)
    expect(await aliasesIn(copy, {})).toEqual(['a'])
    expect(await readdir(copy)).not.toContain(ROWS)
    const store = new StreamStore(await directoryBackend(copy))
    await new Blob(['more honey']).stream().pipeTo(new LocalHive(store).sink('b'))
    const again = fresh()
    await cp(copy, again, { recursive: true })
    await store.close()
    await rm(join(again, LOG))
    expect(await aliasesIn(again, {})).toMatchObject(REFUSED)
  })

  it.each([
    '',
    'combstream rows',
    'combstream rows 9',
    '\0\0\0\0',
    'combstream rows 99999999999999999\n',
    'x'.repeat(9999),
  ])(
    'opens although a power cut has left other bytes in the file that tells of its rows, which is then written again: %j',
    async (bytes) => {
      const copy = await copyWithout()
      await writeFile(join(copy, ROWS), bytes)
      expect(await aliasesIn(copy, { readOnly: true })).toEqual(['a'])
      const store = new StreamStore(await directoryBackend(copy))
      await new Blob(['more honey']).stream().pipeTo(new LocalHive(store).sink('b'))
      await store.close()
      expect(await readFile(join(copy, ROWS), 'latin1')).toMatch(/^combstream rows \d+\n$/)
      expect((await readdir(copy)).filter((name) => name.endsWith('~'))).toEqual([])
    },
  )

  it('opens when all has been removed from it', async () => {
    const directory = fresh()
    const store = new StreamStore(await directoryBackend(directory))
    const hive = new LocalHive(store)
    await new Blob(['honey']).stream().pipeTo(hive.sink('a'))
    await hive.remove('a')
    await store.collectGarbage({ graceMs: 0 })
    await store.close()
    expect(await readdir(directory)).toContain(ROWS)
    for (const options of MODES) expect(await aliasesIn(directory, options)).toEqual([])
  })

  it('is stored although the file that tells of its rows cannot be written, which the next commit tries again', async () => {
    const directory = fresh()
    let refused = 0
    const files: FileCalls = {
      ...nodeFiles,
      async rename(from, to) {
        if (to.endsWith(ROWS) && refused++ < 1) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
        await nodeFiles.rename(from, to)
      },
    }
    const { metadata, close } = await openDirectory(files, directory)
    const set = (key: string): Promise<unknown> => metadata.commit([], [{ key: text(key), value: text('x') }])
    await set('k')
    expect((await readdir(directory)).filter((name) => name.startsWith(ROWS))).toEqual([])
    await Promise.all(['l', 'm', 'n'].map(set))
    expect(refused).toBe(2)
    expect((await readdir(directory)).filter((name) => name.startsWith(ROWS))).toEqual([ROWS])
    await close()
  })
})

describe('a hive without entries', () => {
  it('opens as a copy that was made without the log, while it was open', async () => {
    const directory = fresh()
    const backend = await directoryBackend(directory)
    const copy = fresh()
    await cp(directory, copy, { recursive: true })
    for (const name of [LOG, SHARED_MEMORY]) await rm(join(copy, name), { force: true })
    expect(await aliasesIn(copy, { create: false })).toEqual([])
    await backend.close()
  })
})
