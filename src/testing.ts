/**
 * The one suite that every backend passes. It depends on no test runner: each case is a name and a function that
 * rejects if the backend is wrong.
 *
 * @example
 * ```ts
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { backendCases } from 'combstream/testing'
 *
 * for (const { name, run } of backendCases(() => memoryBackend())) {
 *   await run()
 * }
 * ```
 *
 * @module
 */
import { compareBytes, equalBytes } from './bytes/byte-order.ts'
import { toHex } from './bytes/byte-text.ts'
import type { Backend, Metadata, VersionedValue } from './store/backend.ts'

/** One thing that a backend must do. */
export interface BackendCase {
  /** What it is. */
  readonly name: string
  /** Tries it, on a backend of its own; rejects if the backend does not do it. */
  run(): Promise<void>
}

/**
 * The cases of the suite.
 *
 * @param makeBackend Makes a backend that is empty; it is closed when its case has ended.
 */
export function backendCases(makeBackend: () => Promise<Backend> | Backend): BackendCase[] {
  return [...METADATA_CASES, ...BLOCK_CASES, ...BACKEND_CASES].map(([name, test]) => ({
    name,
    async run() {
      const backend = await makeBackend()
      try {
        await test(backend)
      } finally {
        await backend.close()
      }
    },
  }))
}

type Test = readonly [name: string, test: (backend: Backend) => Promise<void>]

const DEFAULT_KEY_BYTES = 1536
const DEFAULT_VALUE_BYTES = 61_440

/** Keys in order; neighbours differ in what an engine that compares text, signed bytes or C strings gets wrong. */
const ORDERED_KEYS: readonly string[] = '00 0000 0001 00ff 01 2f 61 6100 6161 61ff 62 7f 80 c3a9 fe ff ff00 ffff'.split(
  ' ',
)

const METADATA_CASES: readonly Test[] = [
  [
    'metadata: a row that was never written is absent',
    async ({ metadata }) => {
      check((await metadata.get(key('6b'))) === undefined, 'get gives undefined')
      check((await metadata.list({ prefix: key('6b'), limit: 10 })).length === 0, 'list gives nothing')
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
        const mutations = Array.from({ length: 50 }, (_, j) => ({ key: numbered(i + j), value: key('01') }))
        await metadata.commit([], mutations)
      }
      const found: string[] = []
      let after: Uint8Array | undefined
      for (;;) {
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
      check(!(await metadata.commit([...checks, { key: key('02'), version: undefined }], changes)), 'a check fails')
      check((await mustGet(metadata, '01')).version === version, 'nothing is rewritten')
      check((await metadata.get(key('02'))) !== undefined, 'nothing is deleted')
      check((await metadata.get(key('03'))) === undefined, 'nothing is made')
      check(await metadata.commit(checks, changes), 'all checks hold')
      check(toHex((await mustGet(metadata, '01')).value) === 'ff', 'all is rewritten')
      check((await metadata.get(key('02'))) === undefined, 'all is deleted')
      check((await metadata.get(key('03'))) !== undefined, 'all is made')
    },
  ],
  [
    'metadata: a check holds for its version only, absence included',
    async ({ metadata }) => {
      const each = key('6b')
      const holds = (version: string | undefined): Promise<boolean> => metadata.commit([{ key: each, version }], [])
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
      check(await metadata.commit([], [{ key: key('6b'), value: undefined }]), 'it is applied')
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
        check((await mustGet(metadata, '6b')).value[0] === answers.indexOf(true), 'the winner is seen')
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
]

const BLOCK_CASES: readonly Test[] = [
  [
    'blocks: an object that was never put is absent',
    async ({ blocks }) => {
      check((await blocks.get('o.00')) === undefined, 'get gives undefined')
      check((await blocks.list({ prefix: '', limit: 10 })).length === 0, 'list gives nothing')
    },
  ],
  [
    'blocks: an object is got as it was put, in a whole ArrayBuffer of its own',
    async ({ blocks }) => {
      for (const length of [1, 1000, 1_000_000, 3_000_001]) {
        const bytes = Uint8Array.from({ length }, (_, i) => i % 251)
        const given = new Uint8Array([7, ...bytes.subarray(0, 1), 7])
        const view = length === 1 ? given.subarray(1, 2) : bytes.slice()
        await blocks.put(`o.${length}`, view)
        view.fill(255)
        const first = (await blocks.get(`o.${length}`))!
        check(equalBytes(first, bytes), `${length} bytes come back`)
        check(first.byteOffset === 0 && first.buffer.byteLength === length, 'the buffer is whole')
        first.fill(0)
        check(equalBytes((await blocks.get(`o.${length}`))!, bytes), 'it is a copy')
      }
    },
  ],
  [
    'blocks: an object that was deleted is absent; deleting it again is fine',
    async ({ blocks }) => {
      await blocks.put('o.00', key('01'))
      await blocks.put('o.01', key('02'))
      await blocks.delete('o.00')
      check((await blocks.get('o.00')) === undefined, 'it is absent')
      check((await blocks.get('o.01')) !== undefined, 'another is not')
      await blocks.delete('o.00')
      await blocks.delete('never')
      same(await blocks.list({ prefix: '', limit: 10 }), ['o.01'], 'the list')
    },
  ],
  [
    'blocks: many objects are put, got and deleted at the same time',
    async ({ blocks }) => {
      const names = Array.from({ length: 40 }, (_, i) => `o.${toHex(new Uint8Array([i % 3, i]))}`)
      await Promise.all(names.map((name, i) => blocks.put(name, new Uint8Array([i]))))
      const got = await Promise.all(names.map((name) => blocks.get(name)))
      check(
        got.every((bytes, i) => bytes?.[0] === i),
        'all come back',
      )
      await Promise.all(names.map((name) => blocks.delete(name)))
      check((await blocks.list({ prefix: '', limit: 100 })).length === 0, 'all are gone')
    },
  ],
  [
    'blocks: names are listed in order, and chosen by prefix, after and limit',
    async ({ blocks }) => {
      const names = 'A.1 a a-b.00 a-b.01 a. a.0 a.00 a.000 a.00a a.01 a.ff a.z.1 ab.00 b.0'.split(' ')
      for (const name of names.toReversed()) await blocks.put(name, key('01'))
      for (const prefix of ['', 'a', 'a.', 'a.0', 'a.00', 'a-', 'b', 'c', 'a.z.']) {
        for (const after of [undefined, '0', 'a', 'a.', 'a.00', 'a.005', 'a.z', 'zz']) {
          for (const limit of [1, 3, 100]) {
            const all = names.filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
            const found = await blocks.list({ prefix, after, limit })
            same(found, all.slice(0, limit), `prefix ${prefix}, after ${after}, limit ${limit}`)
          }
        }
      }
    },
  ],
]

const BACKEND_CASES: readonly Test[] = [
  [
    'every call rejects with the reason of a signal that has aborted, and changes nothing',
    async ({ metadata, blocks }) => {
      await set(metadata, '6b', '01')
      await blocks.put('o.00', key('01'))
      const reason = { reason: 'enough' }
      const signal = AbortSignal.abort(reason)
      const calls = [
        metadata.get(key('6b'), { signal }),
        metadata.list({ prefix: key(''), limit: 1, signal }),
        metadata.commit([], [{ key: key('6b'), value: undefined }], { signal }),
        blocks.put('o.01', key('01'), { signal }),
        blocks.get('o.00', { signal }),
        blocks.delete('o.00', { signal }),
        blocks.list({ prefix: '', limit: 1, signal }),
      ]
      for (const { status, ...result } of await Promise.allSettled(calls)) {
        check(status === 'rejected' && 'reason' in result && result.reason === reason, 'it rejects with the reason')
      }
      check((await metadata.get(key('6b'))) !== undefined, 'the row is there')
      same(await blocks.list({ prefix: '', limit: 10 }), ['o.00'], 'the objects')
    },
  ],
  [
    'every call rejects once the backend is closed; closing again is fine',
    async (backend) => {
      const { metadata, blocks } = backend
      await backend.close()
      await backend.close()
      const calls = [
        metadata.get(key('6b')),
        metadata.list({ prefix: key('6b'), limit: 1 }),
        metadata.commit([], []),
        blocks.put('o.01', key('01')),
        blocks.get('o.00'),
        blocks.delete('o.00'),
        blocks.list({ prefix: '', limit: 1 }),
      ]
      for (const { status } of await Promise.allSettled(calls)) check(status === 'rejected', 'it rejects')
    },
  ],
  [
    'the hash that it brings, if any, is SHA-256, in pieces',
    async (backend) => {
      const hash = backend.createHash?.()
      if (!hash) return
      const buffer = new Uint8Array([0x61, 0x62])
      hash.update(buffer)
      buffer.fill(0x63)
      hash.update(buffer.subarray(1))
      const digest = toHex(hash.digest())
      check(digest === 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', `of "abc": ${digest}`)
    },
  ],
]

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the backend is wrong: ${what}`)
}

function same(actual: readonly string[], expected: readonly string[], what: string): void {
  check(actual.join() === expected.join(), `${what}: expected ${expected.join()}; got ${actual.join()}`)
}

function key(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

function numbered(i: number): Uint8Array {
  return new Uint8Array([0x6e, i >> 8, i & 0xff])
}

async function set(metadata: Metadata, hex: string, value: string): Promise<void> {
  check(await metadata.commit([], [{ key: key(hex), value: key(value) }]), 'a commit without checks is applied')
}

async function mustGet(metadata: Metadata, hex: string): Promise<VersionedValue> {
  const row = await metadata.get(key(hex))
  check(row !== undefined, `the row ${hex} is there`)
  return row
}
