import { cp, mkdir, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend, type DirectoryBackendOptions } from '../../src/backends/directory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { readFixture, unpackHive } from '../support/hive-fixture.ts'
import { pattern } from '../support/store-tools.ts'

const MARKER = 'combstream-directory'
const DATABASE = 'metadata.sqlite'
const LOG = 'metadata.sqlite-wal'
const SHARED_MEMORY = 'metadata.sqlite-shm'
const BLOCKS = 'blocks'
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
  it.each(subsets)('has all entries or is refused if it consists only of %s %s %s %s %s', async (...parts) => {
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
