import type { ChildProcess } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { nodeFiles } from '../../src/backends/directory/file-calls.ts'
import { syncDirectory } from '../../src/backends/directory/sync-directory.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { startChild } from '../support/child-program.ts'
import { CAN_MOUNT, type Mounted, mountSmall } from '../support/file-systems.ts'
import { FULL_ENTRIES, readFixture, unpackHive } from '../support/hive-fixture.ts'
import { type FoundEntries, type FoundHive, readAndTryToWrite, readHive } from '../support/read-hive.ts'
import { sample, seeds } from '../support/sample.ts'
import { pattern, text } from '../support/store-tools.ts'
import { soon } from '../support/streams.ts'

const ENTRIES: FoundEntries = { one: toHex(pattern(3000)), two: toHex(pattern(10)) }
const LOG_FILES = ['metadata.sqlite-wal', 'metadata.sqlite-shm']

/** Makes a hive in a directory that does not exist yet. Returns its contents. */
type Maker = (directory: string) => Promise<FoundEntries>

/** States in which a hive can be read. */
const STATES: readonly (readonly [name: string, make: Maker])[] = [
  ['closed', (directory) => makeHive(directory, { open: false })],
  ['left open, as by a process that was killed', (directory) => makeHive(directory, { open: true })],
  [
    'left open, without the shared memory',
    async (directory) => {
      const entries = await makeHive(directory, { open: true })
      await rm(join(directory, 'metadata.sqlite-shm'))
      return entries
    },
  ],
  [
    'closed, with an empty log',
    async (directory) => {
      const entries = await makeHive(directory, { open: false })
      for (const name of LOG_FILES) await writeFile(join(directory, name), '')
      return entries
    },
  ],
  [
    'made by 0.1.0',
    async (directory) => {
      await unpackHive((await readFixture('hive-0.1.0')).hives['full']!, directory)
      return Object.fromEntries(FULL_ENTRIES.map(({ alias, bytes }) => [alias, toHex(bytes)]))
    },
  ],
  [
    'made by 0.1.0, without entries',
    async (directory) => {
      await unpackHive((await readFixture('hive-0.1.0')).hives['empty']!, directory)
      return {}
    },
  ],
]

let root = ''
let made = 0
let mounted: Mounted | undefined
const temporary = process.env['TMPDIR']
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
  await chmod(root, 0o755)
  // A separate temporary directory, which the user `nobody` can use too: it shows what is left behind.
  const own = join(root, 'tmp')
  await mkdir(own)
  await chmod(own, 0o1777)
  process.env['TMPDIR'] = own
})
afterEach(() => {
  mounted?.unmount()
  mounted = undefined
})
afterAll(async () => {
  if (temporary === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = temporary
  nobody?.child.stdin!.end()
  await rm(root, { recursive: true, force: true })
})

function fresh(): string {
  return join(root, String(made++))
}

let originals: Promise<{ readonly open: string; readonly closed: string }> | undefined

/** Makes a hive, and a copy of it from before it was closed. */
async function makeOriginals(): Promise<{ readonly open: string; readonly closed: string }> {
  const [open, closed] = [fresh(), fresh()]
  const store = new StreamStore(await directoryBackend(closed), { blockSize: 1000 })
  const hive = new LocalHive(store)
  await new Blob([pattern(3000)]).stream().pipeTo(hive.sink('one'))
  await new Blob([pattern(10)]).stream().pipeTo(hive.sink('two'))
  await cp(closed, open, { recursive: true })
  await store.close()
  return { open, closed }
}

async function makeHive(directory: string, { open }: { open: boolean }): Promise<FoundEntries> {
  originals ??= makeOriginals()
  await cp((await originals)[open ? 'open' : 'closed'], directory, { recursive: true })
  return ENTRIES
}

/** Lists everything below a directory, with all that a write would change. */
async function snapshot(directory: string): Promise<string[]> {
  const lines: string[] = []
  for (const name of ['.', ...(await readdir(directory, { recursive: true }))]) {
    const { size, mtimeMs, ctimeMs, mode, ino } = await stat(join(directory, name))
    lines.push([name, size, mtimeMs, ctimeMs, mode, ino].join(' '))
  }
  return lines.toSorted()
}

/** Reads hives as another user. */
let nobody: { readonly child: ChildProcess; readonly answers: AsyncIterator<string> } | undefined

async function readAsNobody(directory: string): Promise<FoundHive[]> {
  if (!nobody) {
    const child = startChild('reading-child')
    child.stderr.pipe(process.stderr)
    nobody = { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  }
  nobody.child.stdin!.write(`${directory}\n`)
  const { value } = (await soon(nobody.answers.next(), 'the answer of the child')) as IteratorResult<string, undefined>
  return JSON.parse(value ?? '[]') as FoundHive[]
}

async function forbidWriting(directory: string): Promise<void> {
  for (const name of ['.', ...(await readdir(directory, { recursive: true }))]) {
    const path = join(directory, name)
    await chmod(path, (await stat(path)).isDirectory() ? 0o555 : 0o444)
  }
}

const MODES = [
  { name: 'opened to read only', readOnly: true },
  { name: 'opened as always', readOnly: false },
] as const

describe.each(sample(STATES))('a hive that is %s', (_state, make) => {
  it('is read without writing a byte, even if it could be written', async () => {
    const directory = fresh()
    const entries = await make(directory)
    const before = await snapshot(directory)
    const found = await readAndTryToWrite(directory, true)
    expect(found).toEqual({ entries, put: 'BackendError' })
    const after = await snapshot(directory)
    // SQLite keeps the index of an existing log in shared memory, which is a file. As the superuser, it makes the owner
    // of the database the owner of that file and of the log.
    const hasLog = before.some((line) => /-wal [1-9]/.test(line))
    const relevant = (line: string): boolean => !hasLog || !/^\. |-shm |-wal /.test(line)
    expect(after.filter(relevant)).toEqual(before.filter(relevant))
    const log = join(directory, 'metadata.sqlite-wal')
    if (hasLog)
      expect(before.join()).toContain(`metadata.sqlite-wal ${(await stat(log)).size} ${(await stat(log)).mtimeMs}`)
  })

  it('can be read by a user who may not write there, in either mode', async () => {
    const directory = fresh()
    const entries = await make(directory)
    await forbidWriting(directory)
    const before = await snapshot(directory)
    const found = { entries, put: 'BackendError' }
    expect(await readAsNobody(directory)).toEqual([found, found])
    expect(await snapshot(directory)).toEqual(before)
    expect(await readdir(join(root, 'tmp'))).toEqual([])
  })

  it.skipIf(!CAN_MOUNT).each(MODES)('is read on a read-only file system ($name)', async ({ readOnly }) => {
    mounted = mountSmall(root, 'size=8m')
    const directory = join(mounted.path, 'hive')
    const entries = await make(directory)
    mounted.remount('ro')
    const before = await snapshot(directory)
    expect(await readAndTryToWrite(directory, readOnly)).toEqual({ entries, put: 'BackendError' })
    expect(await snapshot(directory)).toEqual(before)
    expect(await readdir(join(root, 'tmp'))).toEqual([])
  })

  it.skipIf(!CAN_MOUNT).each(MODES)('is read on a full disk, and written again later ($name)', async ({ readOnly }) => {
    mounted = mountSmall(root, 'size=8m')
    const directory = join(mounted.path, 'hive')
    const entries = await make(directory)
    const filler = join(mounted.path, 'filler')
    await writeFile(filler, new Uint8Array(8_400_000)).catch(() => undefined)
    await expect(writeFile(join(mounted.path, 'more'), 'x')).rejects.toMatchObject({ code: 'ENOSPC' })
    await rm(join(mounted.path, 'more'), { force: true })
    const store = new StreamStore(await directoryBackend(directory, { readOnly }))
    const hive = new LocalHive(store)
    expect(await readHive(hive)).toEqual(entries)
    const put = (): Promise<void> => new Blob(['x']).stream().pipeTo(hive.sink('new'))
    await expect(put()).rejects.toMatchObject({ name: readOnly ? 'BackendError' : 'QuotaExceededError' })
    expect(await readHive(hive)).toEqual(entries)
    await rm(filler)
    if (!readOnly) {
      await put()
      expect(await readHive(hive)).toEqual({ ...entries, new: toHex(text('x')) })
    }
    await store.close()
    expect(await readdir(join(root, 'tmp'))).toEqual([])
  })
})

describe('directoryBackend, opened only for reading', () => {
  it('creates no hive, and refuses writes', async () => {
    const absent = fresh()
    await expect(directoryBackend(absent, { readOnly: true })).rejects.toMatchObject({ name: 'NotFoundError' })
    await mkdir(absent)
    await expect(directoryBackend(absent, { readOnly: true })).rejects.toMatchObject({ name: 'NotFoundError' })
    expect(await readdir(absent)).toEqual([])

    const directory = fresh()
    await makeHive(directory, { open: false })
    const { metadata, blocks, close } = await directoryBackend(directory, { readOnly: true })
    const key = text('k')
    const refusal = { name: 'BackendError', retryable: false }
    await expect(metadata.commit([], [{ key, value: key }])).rejects.toMatchObject(refusal)
    expect(await metadata.commit([{ key, version: undefined }], [])).not.toBe(false)
    expect(await metadata.commit([{ key, version: '7' }], [])).toBe(false)
    await expect(blocks.put('o.1234', key)).rejects.toMatchObject(refusal)
    const [object] = await blocks.list({ prefix: '', limit: 1 })
    await expect(blocks.delete(object!.name)).rejects.toMatchObject(refusal)
    expect(await blocks.size(object!.name)).toBe(object!.size)
    await close()
    await expect(metadata.get(key)).rejects.toThrow(TypeError)
  })

  it('can be opened and read while another process commits without a pause', async () => {
    const directory = fresh()
    const writer = await directoryBackend(directory)
    const key = text('k')
    await writer.metadata.commit([], [{ key, value: text('v') }])
    // Whenever it checks, the last commit has just been made.
    const { mtimeMs } = await stat(join(directory, 'metadata.sqlite-wal'))
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Math.ceil(mtimeMs) + 1)
    try {
      const reader = await directoryBackend(directory, { readOnly: true })
      expect((await reader.metadata.get(key))!.value).toEqual(text('v'))
      await writer.metadata.commit([], [{ key, value: text('w') }])
      expect((await reader.metadata.get(key))!.value).toEqual(text('w'))
      await reader.close()
    } finally {
      clock.mockRestore()
    }
    await writer.close()
  })

  it('sees whole commits of other processes, whether they have the hive open or not', async () => {
    const directory = fresh()
    await (await directoryBackend(directory)).close()
    const reader = await directoryBackend(directory, { readOnly: true })
    const keys = Array.from({ length: 40 }, (_, i) => text(`key ${String(i).padStart(3, '0')}`))
    let committed = 0
    const reading = new AbortController()
    const reads = [0, 0]
    const readAll = async (index: number): Promise<void> => {
      let last = 0
      while (!reading.signal.aborted) {
        const before = committed
        const rows = await reader.metadata.list({ prefix: text('key '), limit: 100 })
        const numbers = new Set(rows.map((row) => new DataView(row.value.buffer, row.value.byteOffset).getUint32(0)))
        expect(numbers.size).toBeLessThan(2)
        const [number = 0] = numbers
        expect(number).toBeGreaterThanOrEqual(Math.max(last, before))
        last = number
        reads[index]!++
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
    }
    const readers = Promise.all([readAll(0), readAll(1)])
    const value = new Uint8Array(3000)
    const view = new DataView(value.buffer)
    for (const round of seeds(30, 5)) {
      const writer = await directoryBackend(directory)
      for (let i = 0; i < round % 4; i++) {
        view.setUint32(0, committed + 1)
        await writer.metadata.commit(
          [],
          keys.map((key) => ({ key, value })),
        )
        committed++
      }
      // The last connection to close writes the log into the database.
      await writer.close()
      // Each round waits for both readers, however slow they are. If one fails, so does this.
      const before = [...reads]
      while (reads.some((count, index) => count === before[index])) {
        await Promise.race([readers, new Promise((resolve) => setTimeout(resolve, 1))])
      }
    }
    reading.abort()
    await readers
    await reader.close()
  })
})

describe.skipIf(process.platform !== 'linux')('syncDirectory', () => {
  it('ignores the refusal of a file system that cannot sync a directory', async () => {
    await expect(syncDirectory(nodeFiles, '/proc/self')).resolves.toBeUndefined()
    await expect(syncDirectory(nodeFiles, join(root, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
