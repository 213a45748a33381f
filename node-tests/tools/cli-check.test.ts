import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { comb, serveComb, temporaryDirectory } from '../support/comb.ts'
import { difference } from '../support/jobs.ts'
import { text } from '../support/store-tools.ts'
import { randomBytes } from '../support/streams.ts'

const BYTES = randomBytes(2_500_000, 1)

/** A hive with two entries of the same content and a small one. */
async function makeHive(): Promise<string> {
  const directory = join(temporaryDirectory(), 'hive')
  await within(directory, async (_, hive) => {
    for (const alias of ['a', 'b']) await new Blob([BYTES]).stream().pipeTo(hive.sink(alias))
    await new Blob([randomBytes(20_000, 2)]).stream().pipeTo(hive.sink('small'))
  })
  return directory
}

async function putBytes(hive: string, alias: string, input: Uint8Array): Promise<void> {
  expect(await comb(['put', hive, alias, '-'], { input })).toMatchObject({ code: 0 })
}

/** Returns the paths of the files with whole blocks of the big entries. */
function blockFiles(hive: string): string[] {
  const files = readdirSync(join(hive, 'blocks'), { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  )
  return files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => statSync(path).size === 1_000_000)
}

/** Checks that both entries of the same content can be read. */
async function expectBoth(directory: string): Promise<void> {
  await within(directory, async (_, hive) => {
    for (const alias of ['a', 'b']) {
      expect(difference(await collect((await hive.open(alias)).stream()), BYTES)).toBeUndefined()
    }
  })
}

async function check(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await comb(['check', ...args])
  return { code, stdout: stdout.toString(), stderr }
}

/** Changes a hive directly, bypassing the command. */
async function within(directory: string, work: (backend: Backend, hive: LocalHive) => Promise<unknown>): Promise<void> {
  const backend = await directoryBackend(directory)
  const store = new StreamStore(backend)
  await work(backend, new LocalHive(store))
  await store.close()
}

const WHOLE = { code: 0, stdout: 'checked 2 streams with 4 blocks, 2.52 MB: no damage\n', stderr: '' }

describe('`comb check`', () => {
  test('reports what SQLite finds wrong with its database', async () => {
    const hive = await makeHive()
    const path = join(hive, 'metadata.sqlite')
    const database = readFileSync(path)
    // The header says that five pages are free, but no list has them.
    database.writeUInt32BE(5, 36)
    writeFileSync(path, database)
    const found = await check(hive, '--json')
    expect(found).toMatchObject({ code: 1, stderr: expect.stringMatching(/ is damaged: .*\n.*1 other problem\n$/s) })
    expect(JSON.parse(found.stdout)).toMatchObject({ problems: [expect.stringMatching(/free/i)], damagedStreams: [] })
  })

  test.each([
    {
      what: 'flipped',
      says: 'damaged',
      harm: (path: string) => writeFileSync(path, readFileSync(path).fill(0, 999_999)),
    },
    { what: 'truncated', says: 'damaged', harm: (path: string) => truncateSync(path, 999_999) },
    { what: 'deleted', says: 'missing', harm: (path: string) => rmSync(path) },
  ])('finds a file that was $what, and putting one entry again repairs both', async ({ what, says, harm }) => {
    const hive = await makeHive()
    expect(await check(hive)).toEqual(WHOLE)
    harm(blockFiles(hive)[0]!)
    const found = await check(hive)
    expect(found).toMatchObject({ code: 1, stderr: 'comb: found 1 damaged stream\n' })
    expect(found.stdout).toMatch(
      new RegExp(
        `^damaged: a\ndamaged: b\n  block [01] of stored stream [0-9a-f]{32} is ${says}\n` +
          'checked 2 streams with 3 blocks, 1\\.52 MB: 1 damaged\n$',
      ),
    )
    // Only a mark records that bytes of the right length are wrong.
    if (what === 'flipped') {
      const repaired = await check(hive, '--repair')
      expect(repaired).toMatchObject({ code: 1, stderr: found.stderr })
      expect(repaired.stdout).toBe(`${found.stdout}marked 1 stream: storing the same content again repairs it\n`)
    }
    await putBytes(hive, 'a', BYTES)
    expect(await check(hive, '--repair')).toMatchObject({ code: 0, stderr: '' })
    await expectBoth(hive)
    // The former blocks are collected.
    expect(await comb(['gc', hive, '--grace', '0'])).toMatchObject({ code: 0 })
    expect(blockFiles(hive)).toHaveLength(2)
    expect(await check(hive)).toEqual(WHOLE)
  })

  test('names an entry whose row does not describe its stream, although the stream is whole', async () => {
    const hive = await makeHive()
    await within(hive, async ({ metadata }) => {
      const key = new RowKeys('').alias(text('b'))
      const { value } = (await metadata.get(key))!
      value[20]! ^= 1
      await metadata.commit([], [{ key, value }])
    })
    expect(await comb(['get', hive, 'b', '/dev/null'])).toMatchObject({ code: 1 })
    expect(await check(hive)).toEqual({
      code: 1,
      stdout: expect.stringMatching(/^damaged: b\n {2}.* b is damaged: its row .*\nchecked 2 streams .*: 0 damaged\n$/),
      stderr: 'comb: found 1 damaged entry row\n',
    })
  })

  test('names an entry whose row is damaged, although its stream is damaged, too', async () => {
    const hive = await makeHive()
    rmSync(blockFiles(hive)[0]!)
    await within(hive, async ({ metadata }) => {
      const key = new RowKeys('').alias(text('b'))
      const { value } = (await metadata.get(key))!
      await metadata.commit([], [{ key, value: value.fill(0) }])
    })
    const { stdout, stderr } = await check(hive, '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      damagedEntries: [{ alias: 'b', damage: expect.stringContaining('damaged') }],
      damagedStreams: [{ entries: ['a', 'b'] }],
    })
    expect(stderr).toBe('comb: found 1 damaged stream, 1 damaged entry row\n')
  })

  test('is not needed once `comb get` has found the damage: putting the content again repairs it', async () => {
    const hive = await makeHive()
    const path = blockFiles(hive)[1]!
    writeFileSync(path, readFileSync(path).fill(0, 999_999))
    expect(await comb(['get', hive, 'a', '/dev/null'])).toMatchObject({ code: 1 })
    await putBytes(hive, 'b', BYTES)
    await expectBoth(hive)
  })

  test('prints a JSON object', async () => {
    const directory = await makeHive()
    await within(directory, async (_, hive) => collect((await hive.open('b')).signature()))
    for (const path of blockFiles(directory)) rmSync(path)
    await within(directory, async ({ metadata, blocks }, hive) => {
      const signature = (await hive.open('b')).signature()
      const { name } = (await blocks.list({ prefix: 'o', limit: 100 })).find(
        ({ size }) => size < 500_000 && size !== 20_000,
      )!
      await signature.cancel()
      await blocks.delete(name)
      await metadata.commit([], [{ key: new RowKeys('').alias(text('torn')), value: text('?!') }])
    })
    const { code, stdout, stderr } = await check(directory, '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'comb: found 2 damaged streams, 1 damaged entry row\n' })
    const report = JSON.parse(stdout)
    const byEntry = report.damagedStreams.toSorted(
      (a: { entries: string[] }, b: { entries: string[] }) => b.entries.length - a.entries.length,
    )
    const id = expect.stringMatching(/^[0-9a-f]{32}$/)
    expect({ ...report, damagedStreams: byEntry }).toEqual({
      objects: { count: 2, bytes: 520_000 },
      checked: { streams: 3, blocks: 2, bytes: 520_000 },
      damaged: { streams: 2, blocks: 3, marked: 0 },
      damagedEntries: [{ alias: 'torn', damage: expect.stringContaining('torn') }],
      damagedStreams: [
        {
          id,
          message: expect.stringContaining('block 0 of stored stream'),
          damagedBlocks: 2,
          blocks: [0, 1],
          entries: ['a', 'b'],
          signaturesOf: [],
          moreReferences: false,
          marked: false,
        },
        {
          id,
          message: expect.stringContaining('block 0 of stored stream'),
          damagedBlocks: 1,
          blocks: [0],
          entries: [],
          signaturesOf: ['b'],
          moreReferences: false,
          marked: false,
        },
      ],
      orphans: { count: 0, bytes: 0, uncertain: false, names: [] },
      moved: { count: 0, bytes: 0, until: null },
      problems: [],
    })
    expect((await check(directory)).stdout).toContain('damaged: the signature of b\n')
  })

  test('moves blocks that nothing uses to the trash, and refuses if they are suspiciously many', async () => {
    const hive = await makeHive()
    const stray = (number: number): void => {
      const name = `o.00${number.toString(16).padStart(30, '0')}`
      mkdirSync(join(hive, 'blocks', 'o', '00'), { recursive: true })
      writeFileSync(join(hive, 'blocks', 'o', '00', name), 'stray')
    }
    stray(0)
    // A leftover of a killed process.
    writeFileSync(join(hive, 'blocks', 'o', '00', `o.${'0'.repeat(31)}f~`), 'torn')
    const before = await check(hive)
    expect(before).toEqual({ ...WHOLE, stdout: `${WHOLE.stdout}found 2 blocks, 9 B, that nothing uses\n` })
    const repaired = await check(hive, '--repair')
    expect(repaired).toMatchObject({ code: 0, stderr: '' })
    expect(repaired.stdout).toMatch(
      /that nothing uses\nmoved them to the trash: comb gc deletes them from 20\S+Z on\n$/,
    )
    expect(await check(hive)).toEqual(WHOLE)
    const gc = await comb(['gc', hive, '--grace', '0'])
    expect(gc.stdout.toString()).toBe('freed 0 streams and 2 blocks, 9 B\n')
    expect(readdirSync(join(hive, 'blocks', 'o', '00'))).toEqual([])

    for (let i = 0; i < 101; i++) stray(100 + i)
    const refused = await check(hive, '--repair')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^comb: no row names 101 of 105 objects .*; with --force, these objects are moved to the trash\n$/,
    )
    expect((await check(hive, '--repair', '--force', '--json')).stdout).toContain('"moved":{"count":101,"bytes":505,')
  })

  test('works while `comb serve` runs', async () => {
    const hive = await makeHive()
    const { url } = await serveComb(hive)
    const [first] = blockFiles(hive)
    rmSync(first!)
    expect(await check(hive, '--repair')).toMatchObject({ code: 1 })
    await putBytes(url, 'b', BYTES)
    expect(await check(hive)).toMatchObject({ code: 0 })
    expect((await comb(['get', url, 'a', '-'])).stdout.equals(BYTES)).toBe(true)
  })

  test('refuses invalid arguments and missing hives', async () => {
    const directory = temporaryDirectory()
    for (const [args, code, message] of [
      [['http://127.0.0.1:1/'], 2, 'a server cannot be checked from outside'],
      [[directory, '--force'], 2, '--force is for --repair'],
      [[join(directory, 'none')], 1, 'none'],
      [[join(directory, 'none'), '--repair'], 1, 'none'],
      [[], 2, 'missing required argument'],
    ] as const) {
      const result = await check(...args)
      expect(result).toMatchObject({ code, stdout: '' })
      expect(result.stderr).toContain(message)
    }
    expect(readdirSync(directory)).toEqual([])
  })
})
