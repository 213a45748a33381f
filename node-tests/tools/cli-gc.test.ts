import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { comb, serveComb, temporaryDirectory } from '../support/comb.ts'
import { removeEntry, storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

/** Returns the names of the objects of a hive, and the total size of its files. */
function contentsOf(hive: string): { objects: string[]; bytes: number } {
  const files = readdirSync(hive, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return {
    objects: paths.filter((path) => path.includes('blocks')).toSorted(),
    bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0),
  }
}

async function putBytes(hive: string, alias: string, byteLength: number, seed: number): Promise<void> {
  await storeEntry(hive, alias, randomBytes(byteLength, seed))
}

async function gc(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await comb(['gc', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.toString()
}

describe('`comb gc`', () => {
  test('prints what it freed, what it keeps, and until when', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await putBytes(hive, 'kept', 1_500_000, 1)
    await putBytes(hive, 'removed', 2_500_000, 2)
    expect(await gc(hive)).toBe('freed 0 streams and 0 blocks, 0 B\n')
    await removeEntry(hive, 'removed')
    const before = contentsOf(hive).objects
    expect(before).toHaveLength(5)
    expect(await gc(hive, '--dry-run')).toMatch(
      /^would free 1 stream and 0 blocks, 0 B\nwould keep 3 blocks, 2\.50 MB, for readers until 20\S+Z\n$/,
    )
    expect(await gc(hive, '-n', '--grace', '0')).toBe('would free 1 stream and 3 blocks, 2.50 MB\n')
    const earliest = Date.now() + 3_600_000
    const first = JSON.parse(await gc(hive, '--json'))
    expect(first).toEqual({
      freed: { streams: 1, objects: 0, bytes: 0 },
      waiting: { objects: 3, bytes: 2_500_000, until: expect.any(String) },
      problems: [],
    })
    expect(Date.parse(first.waiting.until)).toBeGreaterThanOrEqual(earliest)
    expect(await gc(hive)).toContain('kept 3 blocks, 2.50 MB, for readers until')
    expect(contentsOf(hive).objects).toEqual(before)
    expect(await gc(hive, '--grace', '0')).toBe('freed 0 streams and 3 blocks, 2.50 MB\n')
    expect(contentsOf(hive).objects).toHaveLength(2)
    const { stdout } = await comb(['get', hive, 'kept'])
    expect(stdout.equals(randomBytes(1_500_000, 1))).toBe(true)
  })

  test('bounds the size of a hive whose entries are replaced and removed', async () => {
    const directory = temporaryDirectory()
    const hive = join(directory, 'hive')
    await putBytes(hive, 'stays', 20_000, 1)
    const sizes: number[] = []
    for (let round = 1; round <= 6; round++) {
      await putBytes(hive, 'changes', 3_000_000, round)
      await putBytes(hive, `passes ${round}`, 1_200_000, 100 + round)
      await removeEntry(hive, `passes ${round}`)
      await gc(hive, '--grace', '0')
      const { objects, bytes } = contentsOf(hive)
      expect(objects).toHaveLength(4)
      sizes.push(bytes)
    }
    // The rest is the database, which reuses the space of old rows.
    expect(Math.max(...sizes)).toBeLessThan(3_020_000 + 300_000)
    expect(Math.max(...sizes.slice(3))).toBeLessThanOrEqual(sizes[2]! + 16_384)
  })

  test('works while `comb serve` runs, and lets its readers finish', async () => {
    const directory = temporaryDirectory()
    const hive = join(directory, 'hive')
    const bytes = randomBytes(30_000_000, 5)
    await storeEntry(hive, 'x', bytes)
    const { url } = await serveComb(hive)
    const response = await fetch(`${url}x`)
    const reader = response.body!.getReader()
    const chunks = [(await reader.read()).value!]
    await comb(['rm', url, 'x'])
    expect(await gc(hive)).toContain('kept 30 blocks')
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
    // The reader gets the removed version to its end.
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  })

  test('refuses invalid arguments and missing hives', async () => {
    const directory = temporaryDirectory()
    for (const [args, code, message] of [
      [['gc', 'http://127.0.0.1:1/'], 2, 'a server collects by itself'],
      [['gc', directory, '--grace', '-1'], 2, 'the grace period must be from 0'],
      [['gc', directory, '--grace', 'x'], 2, 'the grace period must be from 0'],
      [['gc', join(directory, 'none')], 1, 'none'],
      [['gc'], 2, 'missing required argument'],
    ] as const) {
      const result = await comb([...args])
      expect(result).toMatchObject({ code })
      expect(result.stderr).toContain(message)
      expect(result.stdout.toString()).toBe('')
    }
    expect(readdirSync(directory)).toEqual([])
  })
})

test('`comb serve` collects garbage by itself', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  await putBytes(hive, 'x', 2_500_000, 1)
  await removeEntry(hive, 'x')
  const { url } = await serveComb(hive)
  // It collects once when it starts, and keeps the blocks for the grace period.
  const deadline = Date.now() + 20_000
  let dry = ''
  while (!dry.includes('would free 0 streams and 0 blocks') && Date.now() < deadline) dry = await gc(hive, '--dry-run')
  expect(dry).toMatch(/^would free 0 streams and 0 blocks, 0 B\nwould keep 3 blocks/)
  expect((await fetch(`${url}x`)).status).toBe(404)
})
