import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import { check, key, namesOf, same, type Test } from './checks.ts'
import { traceObjects } from './trace.ts'

/** The cases for the objects of a backend. */
export const BLOCK_CASES: readonly Test[] = [
  [
    'blocks: an object that was never put is absent',
    async ({ blocks }) => {
      check((await blocks.get('o.00')) === undefined, 'get gives undefined')
      check((await blocks.size('o.00')) === undefined, 'size gives undefined')
      check((await blocks.list({ prefix: '', limit: 10 })).length === 0, 'list gives nothing')
    },
  ],
  [
    'blocks: an object is got as it was put, in a whole ArrayBuffer of its own',
    async ({ blocks }) => {
      for (const length of [1, 1000, 1_000_000, 3_000_001]) {
        const bytes = new Uint8Array(length)
        for (let i = 0; i < length; i++) bytes[i] = i % 251
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
      check((await blocks.size('o.00')) === undefined, 'it has no size')
      check((await blocks.get('o.01')) !== undefined, 'another is not')
      await blocks.delete('o.00')
      await blocks.delete('never')
      same(namesOf(await blocks.list({ prefix: '', limit: 10 })), ['o.01'], 'the list')
    },
  ],
  [
    'blocks: an object that was named as the next one is got as it is when its turn comes',
    async ({ blocks }) => {
      const [first, last] = ['o.00', 'o.03']
      for (const name of [first, 'o.01', 'o.02', last]) await blocks.put(name, key(name.slice(2)))
      check(equalBytes((await blocks.get(first, { next: ['o.01', 'o.02', 'never'] }))!, key('00')), 'the first')
      check(equalBytes((await blocks.get('o.01', { next: ['o.02', last] }))!, key('01')), 'the second')
      check(equalBytes((await blocks.get('o.01'))!, key('01')), 'the second again')
      await blocks.delete('o.02')
      check((await blocks.get('o.02', { next: ['o.02'] })) === undefined, 'one that was deleted is absent')
      check((await blocks.get('never', { next: [first] })) === undefined, 'so is one that was never put')
      const [one, other] = await Promise.all([blocks.get(first, { next: [last] }), blocks.get(last, { next: [first] })])
      check(equalBytes(one!, key('00')) && equalBytes(other!, key('03')), 'two at the same time')
      check((await blocks.size(last)) === 1, 'it has a size')
    },
  ],
  [
    'blocks: an object has the length that was put, alone and in a list',
    async ({ blocks }) => {
      const lengths = [1, 2, 255, 1000, 65_536]
      for (const length of lengths) await blocks.put(`o.${length}`, new Uint8Array(length + 2).subarray(1, -1))
      for (const length of lengths) check((await blocks.size(`o.${length}`)) === length, `${length} bytes`)
      check((await blocks.size('o.')) === undefined, 'the beginning of a name has none')
      const listed = await blocks.list({ prefix: 'o.', limit: 10 })
      check(listed.length === lengths.length, 'all are listed')
      for (const { name, size } of listed) check(name === `o.${size}`, `${name} is listed with ${size} bytes`)
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
            const what = `prefix ${prefix}, after ${after}, limit ${limit}`
            same(namesOf(found), all.slice(0, Math.min(limit, found.length)), what)
            check(found.length > 0 || all.length === 0, `${what}: some are found`)
          }
        }
      }
    },
  ],
  ['blocks: random commands are answered as a plain model answers them', traceObjects],
]
