import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { comb, combInProcess, NODE_22, serveComb, temporaryDirectory } from '../support/comb.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

/** Sizes around the blocks of a store, 1,000,000 bytes each. The suites of the library test smaller steps. */
const SIZES = [0, 1, 1_000_000, 2_500_001]

/** Every test runs with a directory and with a server: a user must not see a difference. */
const PLACES = {
  'a directory': (directory: string) => Promise.resolve(directory),
  'a server': async (directory: string) => (await serveComb(directory)).url,
}

describe.each(Object.entries(PLACES))('`comb` with %s', (_, open) => {
  test('returns what was put, from file to file, whatever the size', async () => {
    const directory = temporaryDirectory()
    const hive = await open(join(directory, 'hive'))
    for (const size of SIZES) {
      const bytes = randomBytes(size, size)
      const [source, target] = [join(directory, 'source'), join(directory, 'target')]
      writeFileSync(source, bytes)
      expect(await comb(['put', hive, `size/${size}`, source])).toMatchObject({ code: 0, stderr: '' })
      expect(await comb(['get', hive, `size/${size}`, target])).toMatchObject({ code: 0, stderr: '' })
      expect(readFileSync(target).equals(bytes)).toBe(true)
    }
    expect(readdirSync(directory).sort()).toEqual(['hive', 'source', 'target'])
  })

  test('returns what was put, from standard input to standard output', async () => {
    const hive = await open(join(temporaryDirectory(), 'hive'))
    for (const size of [0, 2_500_000]) {
      const bytes = randomBytes(size, size)
      expect(await comb(['put', hive, 'x', '-'], { input: bytes })).toMatchObject({ code: 0, stderr: '' })
      const { code, stdout, stderr } = await comb(['get', hive, 'x'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout.equals(bytes)).toBe(true)
    }
  })

  test('gets ranges in the notation of HTTP', async () => {
    const directory = join(temporaryDirectory(), 'hive')
    const bytes = randomBytes(2_000_100)
    await storeEntry(directory, 'x', bytes)
    const hive = await open(directory)
    for (const [range, start, end] of [
      ['0-0', 0, 1],
      ['999999-1000000', 999_999, 1_000_001],
      ['2000000-', 2_000_000, 2_000_100],
      ['2000099-99999999999999999999', 2_000_099, 2_000_100],
      ['-100', 2_000_000, 2_000_100],
    ] as const) {
      const { code, stdout } = await comb(['get', hive, 'x', `--range=${range}`])
      expect([range, code, stdout.equals(bytes.subarray(start, end))]).toEqual([range, 0, true])
    }
    expect(await comb(['get', hive, 'x', '--range', '2000100-'])).toMatchObject({
      code: 1,
      stderr: 'comb: the range 2000100- is outside the entry, which has 2000100 bytes: x\n',
    })
    expect(await comb(['get', hive, 'x', '--range=-0'])).toMatchObject({ code: 1 })
  })

  test('lists, describes and removes entries', async () => {
    const directory = join(temporaryDirectory(), 'hive')
    const types = { 'a/2.txt': 'text/plain; charset=utf-8', 'a/1.mp4': 'video/mp4' }
    for (const alias of ['b', 'two\nlines']) await storeEntry(directory, alias, alias)
    for (const [alias, type] of Object.entries(types)) await storeEntry(directory, alias, alias, type)
    const hive = await open(directory)
    const lines = async (...args: string[]): Promise<string[]> => {
      const { code, stdout, stderr } = await comb(['ls', hive, ...args])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return stdout.toString().split('\n').slice(0, -1)
    }
    expect(await lines()).toEqual(['a/1.mp4', 'a/2.txt', 'b', 'two\\u{a}lines'])
    expect(await lines('--prefix', 'a/')).toEqual(['a/1.mp4', 'a/2.txt'])
    expect(await lines('--prefix', 'nothing')).toEqual([])
    const [first, second] = await lines('--long', '--prefix=a/')
    expect(first).toMatch(/^7 {2}\d{4}-\d\d-\d\dT[\d:.]{12}Z {2}video\/mp4 {18}"[\w-]{43}" {2}a\/1\.mp4$/)
    expect(second).toMatch(
      /^7 {2}\d{4}-\d\d-\d\dT[\d:.]{12}Z {2}text\/plain; charset=utf-8 {2}"[\w-]{43}" {2}a\/2\.txt$/,
    )
    expect((await lines('--json')).map((line) => (JSON.parse(line) as { alias: string }).alias).at(-1)).toBe(
      'two\nlines',
    )

    const sha256 = createHash('sha256').update('b')
    const etag = `"${sha256.copy().digest('base64url')}"`
    expect((await comb(['stat', hive, 'b'])).stdout.toString().replace(/(modified\s+).*/, '$1…')).toBe(
      [
        'alias     b',
        'size      1',
        'type      application/octet-stream',
        'modified  …',
        `etag      ${etag}`,
        `sha256    ${sha256.digest('hex')}`,
        '',
      ].join('\n'),
    )
    const json = JSON.parse((await comb(['stat', hive, 'b', '--json'])).stdout.toString()) as unknown
    expect(json).toMatchObject({ alias: 'b', size: 1, etag, type: 'application/octet-stream' })

    expect(await comb(['rm', hive, 'b', '--if-match', 'other'])).toMatchObject({ code: 1 })
    expect(await comb(['rm', hive, 'b', '--if-match', etag])).toMatchObject({ code: 0, stderr: '' })
    for (const command of ['rm', 'stat', 'get']) {
      const { code, stderr } = await comb([command, hive, 'b'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'comb: there is no such entry: b\n' })
    }
  })

  test('puts with a condition', async () => {
    const hive = await open(join(temporaryDirectory(), 'hive'))
    const put = (input: string, ...args: string[]) => comb(['put', hive, 'x', '-', ...args], { input })
    expect(await put('0', '--if-match', '*')).toMatchObject({ code: 1, stderr: 'comb: there is no such entry: x\n' })
    expect(await put('1', '--if-none-match', '*')).toMatchObject({ code: 0 })
    for (const condition of [['--new'], ['--if-none-match', '*']]) {
      const { code, stderr } = await put('2', ...condition)
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'comb: the entry exists: x\n' })
    }
    expect(await put('3', '--if-match', 'other')).toMatchObject({
      code: 1,
      stderr: 'comb: the entry has another version: x\n',
    })
    // Without the quotes of an etag, which a shell would remove.
    const etag = createHash('sha256').update('1').digest('base64url')
    expect(await put('4', '--if-match', etag)).toMatchObject({ code: 0, stderr: '' })
    expect((await comb(['get', hive, 'x'])).stdout.toString()).toBe('4')
  })

  test('takes the media type from the option, the file or the alias', async () => {
    const directory = temporaryDirectory()
    const hive = await open(join(directory, 'hive'))
    const file = join(directory, 'clip.WEBM')
    writeFileSync(file, '')
    const typeOf = async (...args: string[]): Promise<string> => {
      await comb(['put', hive, ...args])
      const { stdout } = await comb(['stat', hive, args[0]!, '--json'])
      return (JSON.parse(stdout.toString()) as { type: string }).type
    }
    expect(await typeOf('a.mp4', file)).toBe('video/webm')
    expect(await typeOf('a.mp4', '-')).toBe('video/mp4')
    expect(await typeOf('a.mp4', file, '--type', 'text/plain; charset=utf-8')).toBe('text/plain; charset=utf-8')
    expect(await typeOf('a', '-')).toBe('application/octet-stream')
  })

  test('replaces a file only when the download is complete', async () => {
    const directory = temporaryDirectory()
    await storeEntry(join(directory, 'hive'), 'x', 'new')
    const hive = await open(join(directory, 'hive'))
    const file = join(directory, 'file')
    writeFileSync(file, 'old', { mode: 0o600 })
    symlinkSync('file', join(directory, 'link'))
    expect(await comb(['get', hive, 'nothing', file])).toMatchObject({ code: 1 })
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(await comb(['get', hive, 'x', join(directory, 'link')])).toMatchObject({ code: 0 })
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory).sort()).toEqual(['file', 'hive', 'link'])
  })
})

test('`comb get` follows links to files that do not exist yet, like the system', async () => {
  const directory = temporaryDirectory()
  const hive = join(directory, 'hive')
  await storeEntry(hive, 'x', 'new')
  mkdirSync(join(directory, 'b/c'), { recursive: true })
  // From here `..` leads to b, not to the directory of this link.
  symlinkSync('b/c', join(directory, 'folder'))
  symlinkSync('../target', join(directory, 'b/c/link'))
  symlinkSync('b/c/link', join(directory, 'first'))
  for (const name of ['folder/link', 'first']) {
    expect(await comb(['get', hive, 'x', join(directory, name)])).toMatchObject({ code: 0 })
    expect(readFileSync(join(directory, 'b/target'), 'utf8')).toBe('new')
    rmSync(join(directory, 'b/target'))
  }
  symlinkSync('loop', join(directory, 'loop'))
  symlinkSync('none/', join(directory, 'directory'))
  for (const [name, what] of [
    ['loop', 'too many levels of links'],
    ['directory', 'it is a directory'],
    ['none/file', 'no such file or directory'],
  ] as const) {
    const path = join(directory, name)
    expect(await comb(['get', hive, 'x', path])).toMatchObject({ code: 1, stderr: `comb: ${what}: ${path}\n` })
  }
})

test('`comb` does a round trip on Node 22, and prints no warning about SQLite', async () => {
  const directory = temporaryDirectory()
  const options = { node: NODE_22 }
  const bytes = randomBytes(2_500_000)
  const { url } = await serveComb(join(directory, 'hive'), [], options)
  for (const [alias, put, get] of [
    ['1', url, join(directory, 'hive')],
    ['2', join(directory, 'hive'), url],
  ] as const) {
    expect(await comb(['put', put, alias, '-'], { ...options, input: bytes })).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout, stderr } = await comb(['get', get, alias], options)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.equals(bytes)).toBe(true)
  }
})

test('`comb` works on one directory from several processes at once', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  const names = [1, 2, 3, 4, 5, 6].map(String)
  const puts = names.map((name) =>
    combInProcess(['put', hive, name, '-'], { input: randomBytes(1_500_000, Number(name)) }),
  )
  for (const { code, stderr } of await Promise.all(puts)) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const gets = await Promise.all(names.map((name) => combInProcess(['get', hive, name])))
  expect(gets.map(({ stdout }, i) => stdout.equals(randomBytes(1_500_000, i + 1)))).toEqual(names.map(() => true))
  expect((await comb(['ls', hive])).stdout.toString()).toBe('1\n2\n3\n4\n5\n6\n')
})

test('`comb ls` lists a damaged entry among the others, and reports what is wrong with it', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  for (const alias of ['a', 'b', 'c']) await storeEntry(hive, alias, alias)
  const database = new DatabaseSync(join(hive, 'metadata.sqlite'))
  // Only the layout and the flags of an entry.
  const { changes } = database.prepare("UPDATE rows SET value = x'0100' WHERE key LIKE '%a/b'").run()
  database.close()
  expect(changes).toBe(1)
  for (const [args, lines] of [
    [[], [/^a$/, /^b$/, /^c$/]],
    [['--long'], [/"  a$/, /^-  -  +damaged  +-  +b$/, /"  c$/]],
    [['--json'], [/"alias":"a"/, /"alias":"b".*"damage":"the entry b is damaged/, /"alias":"c"/]],
  ] as const) {
    const { code, stdout, stderr } = await comb(['ls', hive, ...args])
    const printed = stdout.toString().trimEnd().split('\n')
    expect(printed).toHaveLength(3)
    for (const [i, line] of printed.entries()) expect(line).toMatch(lines[i]!)
    expect(stderr).toMatch(/^comb: the entry b is damaged: .*\n$/)
    expect(code).toBe(0)
  }
})

test('`comb put` creates a hive; commands that only read do not', async () => {
  const directory = temporaryDirectory()
  const hive = join(directory, 'hive')
  for (const args of [['ls'], ['get', 'x'], ['stat', 'x'], ['rm', 'x']]) {
    const [command, ...rest] = args as [string, ...string[]]
    const { code, stderr } = await comb([command, hive, ...rest])
    expect({ code, stderr }).toEqual({ code: 1, stderr: `comb: there is no hive in ${hive}\n` })
    expect(existsSync(hive)).toBe(false)
  }
  mkdirSync(hive)
  expect(await comb(['ls', hive])).toMatchObject({ code: 1 })
  expect(readdirSync(hive)).toEqual([])
  expect(await comb(['put', hive, 'x', join(directory, 'nothing')])).toMatchObject({ code: 1 })
  expect(readdirSync(hive)).toEqual([])
  expect(await comb(['put', hive, 'x', '-'])).toMatchObject({ code: 0 })
  expect(await comb(['ls', hive])).toMatchObject({ code: 0 })
})
