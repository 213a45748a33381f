import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { openDirectory } from '../../src/backends/directory/directory-backend.ts'
import { connectToWrite } from '../../src/backends/directory/sqlite-connection.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { diskAfter, type Luck, problemOf } from '../support/power-cut.ts'
import { DATABASE, type Event, PowerCutRecorder } from '../support/power-cut-recorder.ts'

/** Path of the hive. Its parent directory is created with it. */
const HIVE = join('new', 'hive')

/** SQLite's value for `synchronous = FULL`. */
const FULL = 2

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const ALL: readonly Luck[] = ['nothing', 'the last name', 'all names', 'all names and half of the bytes', 1]

/** A run that is recorded. */
interface Run {
  readonly name: string
  readonly rival?: boolean
  /** Whether the hive already exists, as a copy that lost its empty directories. */
  readonly exists?: boolean
  /** The contents to store, in blocks of 4 bytes. A shorter one would have no file. */
  readonly contents: readonly string[]
}

/** These store one block at a time, so that no other sync can make up for one that is left out. */
const SINGLE: readonly Run[] = [
  { name: 'making a hive', contents: [] },
  { name: 'storing', exists: true, contents: ['ones', 'twos', '3333'] },
  {
    name: 'storing where another process has just done the same',
    exists: true,
    rival: true,
    contents: ['ones', 'twos', '3333'],
  },
]
const MANY_BLOCKS: Run = {
  name: 'making a hive and storing many blocks',
  contents: ['two groups of blocks', 'and another five', 'ones'],
}

/** Records a run that stores two entries, updates one, removes the other, and collects. */
async function record({ rival = false, exists = false, contents }: Run): Promise<PowerCutRecorder> {
  const top = join(root, String(made++))
  const path = join(top, HIVE)
  await mkdir(top)
  if (exists) {
    await (await directoryBackend(path)).close()
    await rmdir(join(path, 'blocks'))
  }
  const recorder = new PowerCutRecorder(top, path, { rival })
  const backend = recorder.watch(await openDirectory(recorder.files, path))
  recorder.tell('hive', 'made')
  const store = new StreamStore(backend, { blockSize: 4 })
  const hive = new LocalHive(store)
  const now = new Map<string, string>()
  const change = async (alias: string, value: string, work: () => Promise<unknown>): Promise<void> => {
    recorder.tell(alias, now.get(alias) ?? '-', value)
    await work()
    recorder.tell(alias, value)
    now.set(alias, value)
  }
  const put = (alias: string, value: string): Promise<void> =>
    change(alias, value, () => new Blob([value]).stream().pipeTo(hive.sink(alias)))
  const [first, second, third] = contents
  if (first !== undefined && second !== undefined && third !== undefined) {
    await put('a', first)
    await put('b', second)
    await put('a', third)
    await change('b', '-', () => hive.remove('b'))
    expect((await store.collectGarbage({ graceMs: 0 })).freed.streams).toBe(2)
  }
  await store.close()
  return recorder
}

/** Cuts the power after each event from `from` on. Returns what is wrong then, at most `limit` problems. */
async function cut(
  events: readonly Event[],
  lucks: readonly Luck[],
  { from, without, limit = Infinity }: { from: number; without?: number; limit?: number },
): Promise<string[]> {
  const problems: string[] = []
  const seen = new Set<string>()
  for (let count = from; count <= events.length; count++) {
    for (const luck of lucks) {
      const disk = diskAfter(events, count, luck, without)
      const hash = createHash('sha256').update(JSON.stringify([...disk.facts]))
      for (const [path, content] of disk.paths) hash.update(`\0${path}\0`).update(content)
      const key = hash.digest('hex')
      if (seen.has(key)) continue
      seen.add(key)
      const problem = await problemOf(disk, HIVE, join(root, 'cut'))
      if (problem !== undefined) problems.push(`after ${count} events, with ${luck} of what was not synced: ${problem}`)
      if (problems.length === limit) return problems
    }
  }
  return problems
}

describe('a hive in a directory whose power is cut', () => {
  it.each([...SINGLE, MANY_BLOCKS])(
    'has everything that was acknowledged, at every moment of $name',
    async (run) => {
      const { events, base } = await record(run)
      expect(await cut(events, ALL, { from: base })).toEqual([])
    },
    300_000,
  )

  it.each(SINGLE)(
    'loses something if any sync of $name does nothing',
    async (run) => {
      const { events, base } = await record(run)
      const syncs = [...events.keys()].filter((index) => index >= base && events[index]!.kind === 'sync')
      expect(syncs.length).toBeGreaterThan(4)
      const needless: unknown[] = []
      for (const without of syncs) {
        const problems = await cut(events, ['nothing', 'the last name', 'all names and half of the bytes'], {
          from: without,
          without,
          limit: 1,
        })
        if (problems.length === 0) needless.push(events[without])
      }
      expect(needless).toEqual([])
    },
    300_000,
  )

  it('has SQLite sync each commit before it returns', async () => {
    const path = join(root, 'synchronous')
    await (await directoryBackend(path)).close()
    const connection = await connectToWrite(join(path, DATABASE), 1000)
    expect(connection.database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: FULL })
    expect(connection.database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    connection.close()
  })
})
