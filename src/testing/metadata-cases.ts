import { compareBytes, equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import type { Mutation } from '../store/backend.ts'
import { check, isVersion, key, mustGet, same, set, type Test } from './checks.ts'
import { traceRows } from './trace.ts'

const DEFAULT_KEY_BYTES = 1536
const DEFAULT_VALUE_BYTES = 61_440

/**
 * Keys in order. An engine that compares text, signed bytes or C strings would put some neighbours the wrong way round.
 */
const ORDERED_KEYS: readonly string[] = '00 0000 0001 00ff 01 2f 61 6100 6161 61ff 62 7f 80 c3a9 fe ff ff00 ffff'.split(
  ' ',
)

/** The cases for the rows of a backend. */
export const METADATA_CASES: readonly Test[] = [
  [
    'metadata: a row that was never written is absent',
    async ({ metadata }) => {
      check((await metadata.get(key('6b'))) === undefined, 'get gives undefined')
      check((await metadata.list({ prefix: key('6b'), limit: 10 })).length === 0, 'list gives nothing')
    },
  ],
  [
    'metadata: several rows are read at once, if it can, in the order of their keys',
    async ({ metadata }) => {
      if (!metadata.getMany) return
      const version = await set(metadata, '6b', '01')
      await set(metadata, 'ff00', '')
      const hexes = ['ff00', '6c', '6b', '6b00', '6b']
      const rows = await metadata.getMany(hexes.map(key))
      same(
        rows.map((row) => (row ? toHex(row.value) : 'absent')),
        ['', 'absent', '01', 'absent', '01'],
        'the values',
      )
      check(rows[2]!.version === version, 'the version')
      rows[2]!.value.fill(9)
      check(toHex(rows[4]!.value) === '01', 'each value belongs to the caller')
      check((await metadata.getMany([])).length === 0, 'no keys, no rows')
      const many = Array.from({ length: 100 }, (_, i) => numbered(i))
      await metadata.commit([], [{ key: numbered(99), value: key('63') }])
      check(toHex((await metadata.getMany(many))[99]!.value) === '63', 'up to 100 rows')
    },
  ],
  [
    'metadata: a row has the value that was committed last, and another version each time',
    async ({ metadata }) => {
      await set(metadata, '6b', '01')
      const first = await mustGet(metadata, '6b')
      check(toHex(first.value) === '01', 'the first value')
      await set(metadata, '6b', '0203')
      const second = await mustGet(metadata, '6b')
      check(toHex(second.value) === '0203', 'the second value')
      check(first.version !== second.version, 'another version')
      check((await mustGet(metadata, '6b')).version === second.version, 'reading does not change the version')
    },
  ],
  [
    'metadata: rewriting a row with the same value gives it another version',
    async ({ metadata }) => {
      await set(metadata, '6b', '01')
      const { version } = await mustGet(metadata, '6b')
      await set(metadata, '6b', '01')
      check((await mustGet(metadata, '6b')).version !== version, 'another version')
      check(!(await metadata.commit([{ key: key('6b'), version }], [])), 'the old version does not hold')
    },
  ],
  [
    'metadata: keys and values are taken up to their limits, an empty value too',
    async ({ metadata, limits }) => {
      const longKey = new Uint8Array(limits?.keyBytes ?? DEFAULT_KEY_BYTES).fill(0xff)
      const longValue = Uint8Array.from({ length: limits?.valueBytes ?? DEFAULT_VALUE_BYTES }, (_, i) => i % 251)
      await metadata.commit(
        [],
        [
          { key: longKey, value: longValue },
          { key: key('6b'), value: new Uint8Array(0) },
        ],
      )
      check(equalBytes((await metadata.get(longKey))!.value, longValue), 'the long value')
      check((await mustGet(metadata, '6b')).value.byteLength === 0, 'the empty value')
      const rows = await metadata.list({ prefix: longKey, limit: 10 })
      check(rows.length === 1 && equalBytes(rows[0]!.key, longKey), 'the long key is listed')
    },
  ],
  [
    'metadata: a commit takes 10 checks and 100 mutations, also of long values',
    async ({ metadata, limits }) => {
      const longValue = new Uint8Array(limits?.valueBytes ?? DEFAULT_VALUE_BYTES).fill(7)
      const value = (i: number): Uint8Array => (i % 10 === 0 ? longValue : numbered(i))
      const first = await metadata.commit([], mutationsOf(0, 100, value))
      check(isVersion(first), 'the first is applied')
      const checks = Array.from({ length: 10 }, (_, i) => ({ key: numbered(i * 11), version: first }))
      for (const failing of checks) {
        const given = checks.map((each) => (each === failing ? { ...each, version: undefined } : each))
        check((await metadata.commit(given, mutationsOf(0, 100, value))) === false, 'each of ten checks counts')
      }
      const second = await metadata.commit(
        checks,
        mutationsOf(50, 100, (i) => (i < 75 ? undefined : value(i))),
      )
      check(isVersion(second), 'the second is applied')
      check(
        (await metadata.commit(checks, mutationsOf(0, 100, value))) === false,
        'half of the checks do not hold any more',
      )
      for (let i = 0; i < 150; i += 5) {
        const row = await metadata.get(numbered(i))
        if (i >= 50 && i < 75) check(row === undefined, `row ${i} is deleted`)
        else check(row?.version === (i < 50 ? first : second) && equalBytes(row.value, value(i)), `row ${i}`)
      }
    },
  ],
  [
    'metadata: rows are listed in the order of the unsigned bytes of their keys',
    async ({ metadata }) => {
      const shuffled = ORDERED_KEYS.toSorted((a, b) => (a.split('').toReversed() < b.split('').toReversed() ? -1 : 1))
      for (const each of shuffled) await set(metadata, each, each)
      const rows = await metadata.list({ prefix: new Uint8Array(0), limit: 100 })
      same(
        rows.map((row) => toHex(row.key)),
        ORDERED_KEYS,
        'the keys',
      )
      same(
        rows.map((row) => toHex(row.value)),
        ORDERED_KEYS,
        'the values',
      )
      for (const row of rows) check((await metadata.get(row.key))?.version === row.version, 'list and get agree')
    },
  ],
  [
    'metadata: prefix, after and limit choose the rows of a list',
    async ({ metadata }) => {
      for (const each of ORDERED_KEYS) await set(metadata, each, '01')
      for (const prefix of ['', '00', '61', '6100', '63', 'ff', 'ffff', 'ffffff']) {
        for (const after of [undefined, '00', '0000', '60', '61', '6100', '6162', '63', 'fe', 'ff', 'ffff', 'ffffff']) {
          for (const limit of [1, 2, 100]) {
            const expected = ORDERED_KEYS.filter(
              (each) => each.startsWith(prefix) && (after === undefined || compareBytes(key(each), key(after)) > 0),
            ).slice(0, limit)
            const options = { prefix: key(prefix), after: after === undefined ? after : key(after), limit }
            const rows = await metadata.list(options)
            const found = rows.map((row) => toHex(row.key))
            same(found, expected.slice(0, found.length), `prefix ${prefix}, after ${after}, limit ${limit}`)
            check(found.length > 0 || expected.length === 0, `prefix ${prefix}, after ${after}: some are found`)
          }
        }
      }
    },
  ],
  [
    'metadata: a list continued after its last key gives every row once',
    async ({ metadata }) => {
      const count = 250
      for (let i = 0; i < count; i += 50) {
        await metadata.commit(
          [],
          mutationsOf(i, 50, () => key('01')),
        )
      }
      const found: string[] = []
      let after: Uint8Array | undefined
      while (found.length <= count) {
        const rows = await metadata.list({ prefix: key('6e'), after, limit: 7 })
        if (rows.length === 0) break
        check(rows.length <= 7, 'no more than the limit')
        found.push(...rows.map((row) => toHex(row.key)))
        after = rows.at(-1)!.key
      }
      same(
        found,
        Array.from({ length: count }, (_, i) => toHex(numbered(i))),
        'the keys',
      )
    },
  ],
  [
    'metadata: a commit tells the version that every row it wrote has, and no other',
    async ({ metadata }) => {
      const seen = new Set<string>()
      for (const value of ['01', '02', '02']) {
        const mutations = ['6b', '6c'].map((hex) => ({ key: key(hex), value: key(value) }))
        const version = await metadata.commit([], [...mutations, { key: key('6d'), value: undefined }])
        check(isVersion(version), 'it is applied')
        seen.add(version)
        for (const hex of ['6b', '6c']) check((await mustGet(metadata, hex)).version === version, `the row ${hex}`)
        check(
          isVersion(await metadata.commit([{ key: key('6b'), version }], [])),
          'it is a condition of the next commit',
        )
      }
      check(seen.size === 3, 'each commit has its own')
      const other = await set(metadata, '6e', '01')
      check((await mustGet(metadata, '6e')).version === other, 'a single row')
      check((await mustGet(metadata, '6b')).version !== other, 'the others keep theirs')
    },
  ],
  [
    'metadata: a commit is all or nothing',
    async ({ metadata }) => {
      await set(metadata, '01', '01')
      await set(metadata, '02', '02')
      const { version } = await mustGet(metadata, '01')
      const changes = [
        { key: key('01'), value: key('ff') },
        { key: key('02'), value: undefined },
        { key: key('03'), value: key('03') },
      ]
      const checks = [
        { key: key('01'), version },
        { key: key('03'), version: undefined },
      ]
      const refused = await metadata.commit([...checks, { key: key('02'), version: undefined }], changes)
      check(refused === false, 'a check fails')
      check((await mustGet(metadata, '01')).version === version, 'nothing is rewritten')
      check((await metadata.get(key('02'))) !== undefined, 'nothing is deleted')
      check((await metadata.get(key('03'))) === undefined, 'nothing is made')
      check(isVersion(await metadata.commit(checks, changes)), 'all checks hold')
      check(toHex((await mustGet(metadata, '01')).value) === 'ff', 'all is rewritten')
      check((await metadata.get(key('02'))) === undefined, 'all is deleted')
      check((await metadata.get(key('03'))) !== undefined, 'all is made')
    },
  ],
  [
    'metadata: a check holds for its version only, absence included',
    async ({ metadata }) => {
      const each = key('6b')
      const holds = async (version: string | undefined): Promise<boolean> =>
        isVersion(await metadata.commit([{ key: each, version }], []))
      check(await holds(undefined), 'absent')
      check(!(await holds('1')), 'an absent row has no version')
      await set(metadata, '6b', '01')
      const first = (await mustGet(metadata, '6b')).version
      check(await holds(first), 'the version it has')
      check(!(await holds(undefined)), 'it is not absent')
      await metadata.commit([], [{ key: each, value: undefined }])
      check(!(await holds(first)), 'it is gone')
      check(await holds(undefined), 'it is absent')
      await set(metadata, '6b', '01')
      check(!(await holds(first)), 'made again it is another')
    },
  ],
  [
    'metadata: a version never recurs for a key, whatever is deleted and made again',
    async ({ metadata }) => {
      const seen = new Set<string>()
      for (let i = 0; i < 20; i++) {
        for (const value of ['01', '02']) {
          await set(metadata, '6b', value)
          seen.add((await mustGet(metadata, '6b')).version)
        }
        await metadata.commit([], [{ key: key('6b'), value: undefined }])
      }
      check(seen.size === 40, `40 versions, got ${seen.size}`)
    },
  ],
  [
    'metadata: deleting a row that is absent is fine',
    async ({ metadata }) => {
      check(isVersion(await metadata.commit([], [{ key: key('6b'), value: undefined }])), 'it is applied')
    },
  ],
  [
    'metadata: of concurrent commits with the same check exactly one wins',
    async ({ metadata }) => {
      for (const made of [false, true]) {
        const version = made ? (await mustGet(metadata, '6b')).version : undefined
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            metadata.commit([{ key: key('6b'), version }], [{ key: key('6b'), value: new Uint8Array([i]) }]),
          ),
        )
        check(answers.filter((answer) => answer).length === 1, 'one wins')
        const winner = answers.findIndex((answer) => answer)
        const row = await mustGet(metadata, '6b')
        check(row.value[0] === winner && row.version === answers[winner], 'the winner is seen')
      }
    },
  ],
  [
    'metadata: of concurrent commits that each check what the other writes at most one wins',
    async ({ metadata }) => {
      for (let i = 0; i < 10; i++) {
        const [x, y] = [new Uint8Array([0x78, i]), new Uint8Array([0x79, i])]
        const answers = await Promise.all([
          metadata.commit([{ key: x, version: undefined }], [{ key: y, value: y }]),
          metadata.commit([{ key: y, version: undefined }], [{ key: x, value: x }]),
        ])
        check(answers.filter((answer) => answer).length === 1, 'one wins')
        const rows = [await metadata.get(x), await metadata.get(y)]
        check(rows.filter((row) => row).length === 1, 'one is written')
      }
    },
  ],
  [
    'metadata: concurrent increments are all counted',
    async ({ metadata }) => {
      const increment = async (): Promise<void> => {
        for (;;) {
          const row = await metadata.get(key('6b'))
          const value = new Uint8Array([(row?.value[0] ?? 0) + 1])
          if (await metadata.commit([{ key: key('6b'), version: row?.version }], [{ key: key('6b'), value }])) return
        }
      }
      await Promise.all(Array.from({ length: 10 }, increment))
      check((await mustGet(metadata, '6b')).value[0] === 10, 'ten')
    },
  ],
  [
    'metadata: neither what is given nor what is got is shared with the caller',
    async ({ metadata }) => {
      const buffer = new Uint8Array([9, 0x6b, 9, 1, 2, 9])
      const commit = metadata.commit([], [{ key: buffer.subarray(1, 2), value: buffer.subarray(3, 5) }])
      await commit
      buffer.fill(0)
      const row = await mustGet(metadata, '6b')
      check(toHex(row.value) === '0102', 'views are taken as views, and copied')
      row.value.fill(0)
      const [listed] = await metadata.list({ prefix: key('6b'), limit: 1 })
      check(toHex(listed!.value) === '0102' && toHex(listed!.key) === '6b', 'what get gave was a copy')
      listed!.key.fill(0)
      listed!.value.fill(0)
      check(toHex((await mustGet(metadata, '6b')).value) === '0102', 'what list gave was a copy')
    },
  ],
  ['metadata: random commands are answered as a plain model answers them', traceRows],
]

function numbered(i: number): Uint8Array {
  return new Uint8Array([0x6e, i >> 8, i & 0xff])
}

/** Mutations of `count` rows that are numbered from `first` on. */
function mutationsOf(first: number, count: number, value: (i: number) => Uint8Array | undefined): Mutation[] {
  return Array.from({ length: count }, (_, i) => ({ key: numbered(first + i), value: value(first + i) }))
}
