/**
 * The same commands on every backend. Each answer is compared with that of a plain model, so that all backends that pass
 * give the same trace.
 *
 * @module
 */
import { toHex } from '../bytes/byte-text.ts'
import type { Backend, Check, Mutation, VersionedValue } from '../store/backend.ts'
import { check, isVersion, key, same } from './checks.ts'

const COMMANDS = 150
/** A commit has at most this many checks, and at most this many mutations. */
const MOST_CHECKS = 10
const MOST_MUTATIONS = 100

/** Keys with common beginnings, of which some begin others. */
const KEYS: readonly string[] = ['00', '6b', 'c3', 'ff'].flatMap((first) =>
  ['', '00', '0000', '2f', '61', '6100', '7f', '80', 'fe', 'ff', 'ffff', 'ffffff'].map((rest) => first + rest),
)
const PREFIXES = ['', '00', '6b', '6b61', '6bff', 'c3', 'c3ffff', 'fe', 'ff', 'ffffffff']
const NAME_BEGINNINGS = ['A', 'Z9.', 'a', 'a-', 'a.', 'o.', 'o.0', 'z']

/** Pseudo-random choices, always the same for the same seed (mulberry32). */
class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** An integer from 0 up to, but not including, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  bytes(byteLength: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(byteLength)
    for (let i = 0; i < byteLength; i++) bytes[i] = this.below(256)
    return bytes
  }
}

/** Gives commands for rows to an empty backend. */
export async function traceRows({ metadata }: Backend): Promise<void> {
  const choices = new Choices(1)
  /** The value and the version of each row, by its key, all as text. */
  const rows = new Map<string, { value: string; version: string }>()
  const seen = new Set<string>()

  const commit = async (what: string): Promise<void> => {
    const checks = new Map<string, Check>()
    let doHold = true
    for (let left = choices.below(choices.of([1, 3, MOST_CHECKS + 1])); left > 0; left--) {
      const each = choices.of(KEYS)
      if (checks.has(each)) continue
      const version = rows.get(each)?.version
      const given = choices.below(20) === 0 ? choices.of([undefined, ...seen]) : version
      if (given !== version) doHold = false
      checks.set(each, { key: key(each), version: given })
    }
    const mutations = new Map<string, Mutation>()
    for (let left = choices.below(choices.of([2, 4, MOST_MUTATIONS + 1])); left > 0; left--) {
      const each = choices.of(KEYS)
      const value = choices.below(3) === 0 ? undefined : choices.bytes(choices.below(30))
      mutations.set(each, { key: key(each), value })
    }
    const version = await metadata.commit([...checks.values()], [...mutations.values()])
    check(isVersion(version) === doHold, `${what}: a commit is ${doHold ? 'applied' : 'refused'}`)
    if (!isVersion(version) || mutations.size === 0) return
    check(!seen.has(version), `${what}: the version is new`)
    seen.add(version)
    for (const [each, { value }] of mutations) {
      if (value) rows.set(each, { value: toHex(value), version })
      else rows.delete(each)
    }
  }
  const list = async (what: string): Promise<void> => {
    const prefix = choices.of(PREFIXES)
    const after = choices.of([undefined, ...KEYS])
    const limit = choices.of([1, 2, 7, 100])
    const expected = [...rows].filter(([each]) => each.startsWith(prefix) && (after === undefined || each > after))
    const texts = expected.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([each, row]) => rowText(each, row))
    const found = await metadata.list({ prefix: key(prefix), after: after === undefined ? after : key(after), limit })
    const foundTexts = found.map((row) => rowText(toHex(row.key), { value: toHex(row.value), version: row.version }))
    sameBeginning(foundTexts, texts.slice(0, limit), `${what}: prefix ${prefix}, after ${after}, limit ${limit}`)
  }
  const get = async (what: string): Promise<void> => {
    const each = choices.of(KEYS)
    same([versionedText(await metadata.get(key(each)))], [expectedText(rows.get(each))], `${what}: the row ${each}`)
  }

  for (let i = 0; i < COMMANDS; i++) await choices.of([commit, commit, list, get])(`command ${i}`)
  for (const each of KEYS) {
    same([versionedText(await metadata.get(key(each)))], [expectedText(rows.get(each))], `at the end: the row ${each}`)
  }
}

/** Gives commands for objects to an empty backend. */
export async function traceObjects({ blocks }: Backend): Promise<void> {
  const choices = new Choices(2)
  const objects = new Map<string, Uint8Array>()
  const names: string[] = ['never']

  const put = async (): Promise<void> => {
    // Some names begin others.
    const beginning = choices.of([...NAME_BEGINNINGS, ...names.filter((each) => each.length < 10)])
    const name = `${beginning}${names.length.toString(16)}`
    const bytes = choices.bytes(1 + choices.below(choices.of([10, 1000])))
    names.push(name)
    objects.set(name, bytes)
    await blocks.put(name, bytes)
  }
  const remove = async (): Promise<void> => {
    const name = choices.of(names)
    objects.delete(name)
    await blocks.delete(name)
  }
  const get = async (what: string): Promise<void> => {
    const name = choices.of(names)
    const [bytes, expected] = [await blocks.get(name), objects.get(name)]
    same([bytes ? toHex(bytes) : 'absent'], [expected ? toHex(expected) : 'absent'], `${what}: ${name}`)
  }
  const size = async (what: string): Promise<void> => {
    const name = choices.of(names)
    same([String(await blocks.size(name))], [String(objects.get(name)?.byteLength)], `${what}: the size of ${name}`)
  }
  const list = async (what: string): Promise<void> => {
    const prefix = choices.of(['', 'b', ...NAME_BEGINNINGS])
    const after = choices.of([undefined, ...names])
    const limit = choices.of([1, 3, 100])
    const expected = [...objects.keys()].filter(
      (name) => name.startsWith(prefix) && (after === undefined || name > after),
    )
    const texts = expected
      .toSorted()
      .slice(0, limit)
      .map((name) => `${name}/${objects.get(name)!.byteLength}`)
    const found = (await blocks.list({ prefix, after, limit })).map((each) => `${each.name}/${each.size}`)
    sameBeginning(found, texts, `${what}: prefix ${prefix}, after ${after}, limit ${limit}`)
  }

  for (let i = 0; i < COMMANDS; i++) await choices.of([put, put, remove, get, size, list])(`command ${i}`)
}

/** Fails the case unless a list is as expected, or shorter: an engine may return fewer, but none only if there are none. */
function sameBeginning(found: readonly string[], expected: readonly string[], what: string): void {
  same(found, expected.slice(0, found.length), what)
  check(found.length > 0 || expected.length === 0, `${what}: some are found`)
}

function rowText(each: string, { value, version }: { value: string; version: string }): string {
  return `${each}=${value}@${version}`
}

function versionedText(row: VersionedValue | undefined): string {
  return row ? rowText('', { value: toHex(row.value), version: row.version }) : 'absent'
}

function expectedText(row: { value: string; version: string } | undefined): string {
  return row ? rowText('', row) : 'absent'
}
