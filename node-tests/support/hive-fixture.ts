import { Buffer } from 'node:buffer'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { pattern, text } from './store-tools.ts'

/** The hives of one fixture, as directories of files. */
export interface HiveFixture {
  /** The files of each hive in base64, by path below the hive, with `/` as separator. */
  readonly hives: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What each hive listed when it was made. */
  readonly listed: Readonly<Record<string, readonly ListedEntry[]>>
}

/** An entry as a hive listed it. */
export interface ListedEntry {
  readonly alias: string
  readonly size: number
  readonly etag: string
  readonly type: string
  /** In ISO 8601 format. */
  readonly modified: string
}

/** The contents of an entry of a fixture. */
export interface FixtureEntry {
  readonly alias: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type?: string
  /** Whether its signature was requested, and is therefore stored. */
  readonly signed?: boolean
}

/** Block size of a fixture, in bytes. It is so small that a short stream has more blocks than a page has entries. */
export const FIXTURE_BLOCK_SIZE = 3

/** The entries of the hive `full`, in the order of their names. */
export const FULL_ENTRIES: readonly FixtureEntry[] = [
  { alias: 'empty', bytes: text('') },
  { alias: 'honey, bees/ün_i\u{1f41d}.txt', bytes: text('honey'), type: 'text/plain;charset=utf-8', signed: true },
  { alias: 'plain', bytes: pattern(20) },
  { alias: 'same as plain', bytes: pattern(20), signed: true },
  { alias: 'typed.mp4', bytes: pattern(31), type: 'video/mp4' },
  // 514 blocks: the second page has two entries, the last block two bytes.
  { alias: 'zz two pages', bytes: pattern(513 * FIXTURE_BLOCK_SIZE + 2), type: 'text/x-pages', signed: true },
]

/** The entry of the hive `killed`. */
export const KILLED_ENTRIES: readonly FixtureEntry[] = [{ alias: 'bee', bytes: pattern(10), type: 'image/png' }]

/** A user's row, and a stream that only a user's reference keeps, in the hive `full`. */
export const USER_ROW = { key: text('a key'), value: text('a value'), stream: pattern(40), reference: text('mine') }

/** Reads a fixture, such as `hive-0.1.0`. */
export async function readFixture(name: string): Promise<HiveFixture> {
  const packed = await readFile(fixturePath(name))
  return JSON.parse(gunzipSync(packed).toString()) as HiveFixture
}

/** Writes a fixture. Only the script that makes fixtures uses it. */
export async function writeFixture(name: string, fixture: HiveFixture): Promise<void> {
  await writeFile(fixturePath(name), gzipSync(JSON.stringify(fixture), { level: 9 }))
}

/** Writes the files of a hive below a directory. */
export async function unpackHive(files: Readonly<Record<string, string>>, directory: string): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, Buffer.from(content, 'base64'))
  }
}

/** Reads the files of a hive. */
export async function packHive(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(directory.length + 1).replaceAll(sep, '/')
    files[name] = (await readFile(path)).toString('base64')
  }
  return Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}.json.gz`, import.meta.url))
}
