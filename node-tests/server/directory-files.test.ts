import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { databaseError, engineError } from '../../src/backends/directory/engine-error.ts'
import { type FileCalls, nodeFiles } from '../../src/backends/directory/file-calls.ts'
import { StreamStore } from '../../src/store.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { pattern, put, text } from '../support/store-tools.ts'

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

function fresh(): string {
  return join(root, String(made++))
}

async function openAndClose(directory: string): Promise<void> {
  await (await directoryBackend(directory)).close()
}

describe('directoryBackend', () => {
  it('creates a hive in an absent directory, with its parents, or in an empty one', async () => {
    const deep = join(fresh(), 'a', 'b')
    await openAndClose(deep)
    await openAndClose(deep)
    expect((await readdir(deep)).toSorted()).toEqual(['blocks', 'combstream-directory', 'metadata.sqlite'])
    const empty = fresh()
    await mkdir(empty)
    await openAndClose(empty)
  })

  it('accepts the root of a new file system, and a directory whose creation was interrupted at any point', async () => {
    const complete = fresh()
    await openAndClose(complete)
    const database = await readFile(join(complete, 'metadata.sqlite'))
    const cutOff: readonly (readonly [name: string, content: Uint8Array | undefined][])[] = [
      [['lost+found', undefined]],
      [['metadata.sqlite', text('')]],
      [
        ['metadata.sqlite', text('')],
        ['metadata.sqlite-journal', text('')],
      ],
      [['metadata.sqlite', database]],
      [
        ['metadata.sqlite', database],
        ['blocks', undefined],
      ],
      [
        ['metadata.sqlite', database],
        ['blocks', undefined],
        ['combstream-directory.0af3~', text('combstream dir')],
      ],
      [['combstream-space.0af3~', text('')]],
    ]
    for (const files of cutOff) {
      const directory = fresh()
      await mkdir(directory)
      for (const [name, content] of files) {
        if (content) await writeFile(join(directory, name), content)
        else await mkdir(join(directory, name))
      }
      await expect(directoryBackend(directory, { create: false })).rejects.toMatchObject({ name: 'NotFoundError' })
      await openAndClose(directory)
      expect(await readdir(directory)).toEqual(
        expect.arrayContaining(['blocks', 'combstream-directory', 'metadata.sqlite']),
      )
    }
  })

  it('refuses a directory with other contents, and leaves it unchanged', async () => {
    const directory = fresh()
    await mkdir(directory)
    await writeFile(join(directory, 'thesis.txt'), 'years of work')
    await expect(directoryBackend(directory)).rejects.toMatchObject({
      name: 'FormatError',
      reason: 'magic',
      message: expect.stringContaining(directory),
    })
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  it('refuses a file, and a marker with other contents or of a later version', async () => {
    const file = fresh()
    await writeFile(file, 'no directory')
    await expect(directoryBackend(file)).rejects.toMatchObject({ name: 'FormatError', reason: 'magic' })
    await expect(directoryBackend(join(file, 'below'))).rejects.toMatchObject({ name: 'FormatError', reason: 'magic' })
    for (const [marker, reason] of [
      ['combstream directory 2\n', 'unsupported'],
      ['combstream directory 1', 'unsupported'],
      [`combstream directory ${'9'.repeat(5000)}`, 'unsupported'],
      ['something', 'magic'],
      ['', 'magic'],
    ] as const) {
      const directory = fresh()
      await mkdir(directory)
      await writeFile(join(directory, 'combstream-directory'), marker)
      const error = await directoryBackend(directory).catch((failure: Error) => failure)
      expect(error).toMatchObject({ name: 'FormatError', reason })
      expect((error as Error).message.length).toBeLessThan(500)
      expect(await readdir(directory)).toEqual(['combstream-directory'])
    }
  })

  it('refuses the database of another program or a later version, and a file that is not a database', async () => {
    for (const [pragma, reason] of [
      ['application_id = 7', 'magic'],
      ['user_version = 2', 'unsupported'],
    ] as const) {
      const directory = fresh()
      await openAndClose(directory)
      const database = new DatabaseSync(join(directory, 'metadata.sqlite'))
      database.exec(`PRAGMA ${pragma}`)
      database.close()
      await expect(directoryBackend(directory)).rejects.toMatchObject({ name: 'FormatError', reason })
    }
    const directory = fresh()
    await openAndClose(directory)
    await writeFile(join(directory, 'metadata.sqlite'), 'this is no database, whatever its name says')
    await expect(directoryBackend(directory)).rejects.toMatchObject({ name: 'BackendError', retryable: false })
  })

  it('leaves the database of another program that has the same name unchanged', async () => {
    const foreign = fresh()
    await mkdir(foreign)
    const path = join(foreign, 'metadata.sqlite')
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE notes (line TEXT)')
    database.close()
    const before = await readFile(path)
    await expect(directoryBackend(foreign)).rejects.toMatchObject({ name: 'FormatError', reason: 'magic' })
    expect(await readdir(foreign)).toEqual(['metadata.sqlite'])
    expect(await readFile(path)).toEqual(before)

    await writeFile(path, 'a file that only has this name')
    await expect(directoryBackend(foreign)).rejects.toMatchObject({ name: 'FormatError', reason: 'magic' })
    expect(await readFile(path, 'utf8')).toBe('a file that only has this name')
  })

  it('creates nothing if the options say so', async () => {
    const directory = fresh()
    await expect(directoryBackend(directory, { create: false })).rejects.toMatchObject({ name: 'NotFoundError' })
    await expect(readdir(directory)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(directoryBackend('')).rejects.toThrow(TypeError)
  })

  it('can be opened many times at once, even while it is absent', async () => {
    const directory = fresh()
    const backends = await Promise.all(Array.from({ length: 8 }, () => directoryBackend(directory)))
    const key = text('k')
    const increment = async ({ metadata }: (typeof backends)[number]): Promise<void> => {
      for (;;) {
        const row = await metadata.get(key)
        const value = new Uint8Array([(row?.value[0] ?? 0) + 1])
        if (await metadata.commit([{ key, version: row?.version }], [{ key, value }])) return
      }
    }
    await Promise.all(backends.map(increment))
    expect((await backends[0]!.metadata.get(key))!.value).toEqual(new Uint8Array([8]))
    await Promise.all(backends.map((backend) => backend.close()))
  })

  it('keeps the objects of an upload in one directory, whole and without leftovers', async () => {
    const directory = fresh()
    const store = new StreamStore(await directoryBackend(directory), { blockSize: 100 })
    const stored = await put(store, pattern(2000), { reference: text('r') })
    const names = (await readdir(join(directory, 'blocks'), { recursive: true })).filter((name) => name.includes('.'))
    expect(names).toHaveLength(20)
    for (const name of names) {
      expect(name).toMatch(/^o[/\\][0-9a-f]{2}[/\\]o\.[0-9a-f]{32}$/)
      expect(name.slice(2, 4)).toBe(stored.id.slice(0, 2))
      expect((await readFile(join(directory, 'blocks', name))).byteLength).toBe(100)
    }
    await store.close()
  })

  it('finds and deletes the leftovers of a put that was killed', async () => {
    const directory = fresh()
    const backend = await directoryBackend(directory)
    await backend.blocks.put('o.abcd', text('x'))
    await writeFile(join(directory, 'blocks', 'o', 'ab', 'o.abff~'), 'half')
    expect(await backend.blocks.get('o.abff')).toBeUndefined()
    expect(await backend.blocks.size('o.abff')).toBeUndefined()
    expect(await backend.blocks.list({ prefix: 'o.', limit: 10 })).toEqual([
      { name: 'o.abcd', size: 1 },
      { name: 'o.abff', size: 4 },
    ])
    await backend.blocks.delete('o.abff')
    expect(await readdir(join(directory, 'blocks', 'o', 'ab'))).toEqual(['o.abcd'])
    await backend.close()
  })

  it('reads the bytes of a row whose value has become a text or a number, for which one flipped bit is enough', async () => {
    const directory = fresh()
    const backend = await directoryBackend(directory)
    const key = text('k')
    const value = Uint8Array.of(1, 0, 0xff, 0x80, 0)
    await backend.metadata.commit([], [{ key, value }])
    const database = new DatabaseSync(join(directory, 'metadata.sqlite'))
    for (const [changed, bytes] of [
      ['CAST(value AS TEXT)', value],
      ['10', text('10')],
      ['1.5', text('1.5')],
    ] as const) {
      database.exec(`UPDATE rows SET value = ${changed}`)
      expect((await backend.metadata.get(key))!.value).toEqual(bytes)
      expect((await backend.metadata.list({ prefix: key, limit: 2 })).map((row) => row.value)).toEqual([bytes])
    }
    database.close()
    await backend.close()
  })

  it('lists its objects even if desktops and synchronizers have left files beside them', async () => {
    const directory = fresh()
    const backend = await directoryBackend(directory)
    await backend.blocks.put('o.abcd', text('x'))
    for (const folder of ['', 'o', join('o', 'ab')]) {
      await writeFile(join(directory, 'blocks', folder, '.DS_Store'), 'icons')
    }
    await writeFile(join(directory, 'blocks', 'o', 'ab', 'o.abcd (conflicted copy)'), 'y')
    expect(await backend.blocks.list({ prefix: 'o.', limit: 10 })).toEqual([{ name: 'o.abcd', size: 1 }])
    await backend.close()
  })

  it('leaves no entry, and nothing else, if the file system refuses', async () => {
    const directory = fresh()
    const backend = await directoryBackend(directory)
    const store = new StreamStore(backend, { blockSize: 100 })
    await writeFile(join(directory, 'blocks', 'o'), 'in the way')
    const failure = { name: 'BackendError', retryable: false }
    await expect(put(store, pattern(2000), { reference: text('r') })).rejects.toMatchObject(failure)
    await rm(join(directory, 'blocks', 'o'))
    expect((await inspectStore(backend)).counts).toEqual({ v: 1 })
    expect((await put(store, pattern(2000), { reference: text('r') })).size).toBe(2000)
    await store.close()
  })

  it('recognizes a full disk in an I/O error of SQLite where the file system reserves space only on sync', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const files: FileCalls = {
      ...nodeFiles,
      async open(path, flags) {
        const file = await nodeFiles.open(path, flags)
        return {
          read: (...args) => file.read(...args),
          write: (...args) => file.write(...args),
          stat: () => file.stat(),
          sync: () => Promise.reject(full),
          close: () => file.close(),
        }
      },
    }
    const directory = fresh()
    await mkdir(directory)
    const cause = Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
    expect(await databaseError(cause, 'cannot', directory, files)).toMatchObject({ name: 'QuotaExceededError', cause })
    expect(await databaseError(cause, 'cannot', directory, nodeFiles)).toMatchObject({ name: 'BackendError', cause })
    expect(await readdir(directory)).toEqual([])
  })

  it('refuses names that would leave its directory', async () => {
    const backend = await directoryBackend(fresh())
    for (const name of ['', '..', '.', '../x', 'a/b', '.hidden', 'a\0', 'x'.repeat(201)]) {
      await expect(backend.blocks.put(name, text('x'))).rejects.toThrow(TypeError)
      await expect(backend.blocks.get(name)).rejects.toThrow(TypeError)
      await expect(backend.blocks.size(name)).rejects.toThrow(TypeError)
    }
    await backend.close()
  })

  it('waits for a lock without blocking the process, and finally fails with a retryable error', async () => {
    const directory = fresh()
    const impatient = await directoryBackend(directory, { lockTimeoutMs: 1_000 })
    const backend = await directoryBackend(directory)
    const other = new DatabaseSync(join(directory, 'metadata.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    const mutations = [{ key: text('k'), value: text('v') }]
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await expect(impatient.metadata.commit([], mutations)).rejects.toMatchObject({
      name: 'BackendError',
      retryable: true,
    })
    clearInterval(timer)
    expect(turns).toBeGreaterThan(3)
    await impatient.close()
    const commit = backend.metadata.commit([], mutations)
    setTimeout(() => other.exec('ROLLBACK'), 20)
    expect(await commit).toMatch(/^\d+$/)
    other.exec('BEGIN IMMEDIATE')
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 10)
    await expect(backend.metadata.commit([], mutations, { signal: controller.signal })).rejects.toBe(reason)
    other.exec('ROLLBACK')
    other.close()
    await backend.close()
  })
})

describe('an error of the file system or of SQLite', () => {
  it.each([
    [{ code: 'ENOSPC', message: 'no space left on device' }, { name: 'QuotaExceededError' }],
    [{ code: 'EDQUOT', message: 'quota' }, { name: 'QuotaExceededError' }],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 13, message: 'database or disk is full' }, { name: 'QuotaExceededError' }],
    [{ code: 'ERR_SQLITE_ERROR', message: 'database or disk is full' }, { name: 'QuotaExceededError' }],
    [
      { code: 'ERR_SQLITE_ERROR', errcode: 5, message: 'x' },
      { name: 'BackendError', retryable: true },
    ],
    [
      { code: 'ERR_SQLITE_ERROR', message: 'database is locked' },
      { name: 'BackendError', retryable: true },
    ],
    [
      { code: 'ERR_SQLITE_ERROR', errcode: 11, message: 'malformed' },
      { name: 'BackendError', retryable: false },
    ],
    [
      { code: 'EMFILE', message: 'too many open files' },
      { name: 'BackendError', retryable: true },
    ],
    [
      { code: 'EIO', message: 'i/o error' },
      { name: 'BackendError', retryable: false },
    ],
  ])('%o becomes %o', (fields, expected) => {
    const cause = Object.assign(new Error(fields.message), fields)
    expect(engineError(cause, 'cannot', 'unknown')).toMatchObject({ ...expected, cause, message: expect.any(String) })
  })
})
