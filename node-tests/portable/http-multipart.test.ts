import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { byteStream } from '../../src/bytes/byte-stream.ts'
import { BackendError } from '../../src/errors.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http.ts'
import { multipartOf, multipartStream } from '../../src/representation/multipart-ranges.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { parseMultipart, type ParsedPart } from '../support/multipart.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const SIZE = 40_000
const BLOCK_SIZE = 1_000
const BYTES = randomBytes(SIZE)
/** More than a part takes besides its bytes. */
const GAP = 200

async function startHive() {
  const backend = memoryBackend()
  let gets = 0
  let fail: (() => void) | undefined
  const { blocks } = backend
  const counted: typeof backend = {
    ...backend,
    blocks: {
      put: (...args) => blocks.put(...args),
      size: (...args) => blocks.size(...args),
      delete: (...args) => blocks.delete(...args),
      list: (...args) => blocks.list(...args),
      get: (...args) => {
        gets++
        fail?.()
        return blocks.get(...args)
      },
    },
  }
  const hive = new LocalHive(new StreamStore(counted, { blockSize: BLOCK_SIZE, inMemoryThreshold: BLOCK_SIZE }))
  await new Blob([BYTES]).stream().pipeTo(hive.sink('x', { type: 'video/mp4; codecs="avc1, mp4a"' }))
  const errors: unknown[] = []
  const handler = createHiveHandler(hive, { onError: (error) => errors.push(error) })
  const get = (range: string, headers: Record<string, string> = {}): Promise<Response> =>
    handler(new Request('http://hive.test/x', { headers: { Range: `bytes=${range}`, ...headers } }))
  return {
    get,
    errors,
    gets: () => gets,
    failAfter(count: number) {
      let left = count
      fail = () => {
        if (left-- <= 0) throw new BackendError('the disk is gone', { retryable: false })
      }
    },
  }
}

/** Checks everything that a multipart answer must be, and returns its ranges. */
async function rangesOf(response: Response): Promise<(readonly [number, number])[]> {
  expect(response.status).toBe(206)
  expect(response.headers.get('content-range')).toBeNull()
  const body = new Uint8Array(await response.arrayBuffer())
  expect(response.headers.get('content-length')).toBe(String(body.byteLength))
  const parts: ParsedPart[] = parseMultipart(response.headers.get('content-type'), body)
  for (const { type, range, total, bytes } of parts) {
    expect(type).toBe('video/mp4; codecs="avc1, mp4a"')
    expect(total).toBe(SIZE)
    expect(bytes).toEqual(BYTES.slice(...range))
  }
  return parts.map(({ range }) => range)
}

describe('a request for several ranges', () => {
  const CASES: [title: string, asked: string, parts: [number, number][]][] = [
    [
      'two',
      '0-99,500-599',
      [
        [0, 100],
        [500, 600],
      ],
    ],
    [
      'in another order, which is kept',
      '30000-30009,10-19,20000-20009',
      [
        [30_000, 30_010],
        [10, 20],
        [20_000, 20_010],
      ],
    ],
    [
      'that overlap',
      '0-599,500-999,3000-3999',
      [
        [0, 1_000],
        [3_000, 4_000],
      ],
    ],
    [
      'that touch',
      '500-999,0-499,3000-3999',
      [
        [0, 1_000],
        [3_000, 4_000],
      ],
    ],
    [
      'with a small gap',
      '0-9,20-29,3000-3999',
      [
        [0, 30],
        [3_000, 4_000],
      ],
    ],
    [
      'one within the other',
      '0-9999,10-19,20000-20009',
      [
        [0, 10_000],
        [20_000, 20_010],
      ],
    ],
    [
      'the same twice',
      '0-9,20000-20009,0-9',
      [
        [0, 10],
        [20_000, 20_010],
      ],
    ],
    [
      'of which one is past the end',
      '0-9,40000-,20000-20009',
      [
        [0, 10],
        [20_000, 20_010],
      ],
    ],
    [
      'with a suffix',
      '0-9,-10',
      [
        [0, 10],
        [39_990, SIZE],
      ],
    ],
    [
      'with a suffix of nothing',
      '0-9,-0,20000-20009',
      [
        [0, 10],
        [20_000, 20_010],
      ],
    ],
    [
      'clamped',
      '0-9,30000-99999999999999999999',
      [
        [0, 10],
        [30_000, SIZE],
      ],
    ],
    [
      'with spaces and empty members',
      ' 0-9 , ,\t20000-20009,',
      [
        [0, 10],
        [20_000, 20_010],
      ],
    ],
    [
      'across blocks',
      '990-1010,5000-9999,12345-23456',
      [
        [990, 1_011],
        [5_000, 10_000],
        [12_345, 23_457],
      ],
    ],
  ]
  for (const [title, asked, parts] of CASES) {
    it(`is answered with parts: ${title}`, async () => {
      const { get } = await startHive()
      expect(await rangesOf(await get(asked))).toEqual(parts)
    })
  }

  const JOINED: [title: string, asked: string, range: [number, number]][] = [
    ['overlapping', '0-599,500-999', [0, 1_000]],
    ['touching', '500-999,0-499', [0, 1_000]],
    ['with a small gap', '20-29,0-9', [0, 30]],
    ['of which one can be satisfied', '40000-,100-199', [100, 200]],
    ['that are the whole', '0-19999,20000-', [0, SIZE]],
  ]
  for (const [title, asked, [first, end]] of JOINED) {
    it(`is answered with one range if one is left: ${title}`, async () => {
      const response = await (await startHive()).get(asked)
      expect(response.status).toBe(206)
      expect(response.headers.get('content-range')).toBe(`bytes ${first}-${end - 1}/${SIZE}`)
      expect(response.headers.get('content-type')).toBe('video/mp4; codecs="avc1, mp4a"')
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(BYTES.slice(first, end))
    })
  }

  it('joins ranges only if another part would take more bytes than the gap', async () => {
    const { get } = await startHive()
    const response = await get(`0-9,${10 + GAP}-${20 + GAP},${21 + 2 * GAP}-30000`)
    const length = Number(response.headers.get('content-length'))
    expect(await rangesOf(response)).toHaveLength(3)
    for (let gap = GAP; gap > 0; gap--) {
      const joined = await get(`0-9,${10 + gap}-30000`)
      await joined.body?.cancel()
      if (joined.headers.has('content-range')) return expect(gap).toBeGreaterThan((length - 29_800) / 4)
    }
    throw new Error('never joined')
  })

  for (const [title, asked] of [
    ['malformed', '0-9,x'],
    ['reversed', '0-9,200-100'],
    ['with a sign', '0-9,+5-6'],
    ['without a number', '0-9,-'],
  ] as const) {
    it(`is ignored if one of them is ${title}: 200`, async () => {
      const response = await (await startHive()).get(asked)
      expect(response.status).toBe(200)
      expect((await response.arrayBuffer()).byteLength).toBe(SIZE)
    })
  }

  it('gets 416 if none can be satisfied', async () => {
    const response = await (await startHive()).get('40000-,50000-60000,-0')
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe(`bytes */${SIZE}`)
  })

  it('may be for 1,000 of them; a request for more is ignored', async () => {
    const { get } = await startHive()
    const asked = [...Array.from({ length: 999 }, () => '0-9'), '20000-20009']
    expect(await rangesOf(await get(asked.join()))).toEqual([
      [0, 10],
      [20_000, 20_010],
    ])
    const response = await get([...asked, '0-0'].join())
    expect(response.status).toBe(200)
    expect((await response.arrayBuffer()).byteLength).toBe(SIZE)
  })

  it('may go back 32 times; a request that does so more often is ignored, since each time a block is read again', async () => {
    const hive = await startHive()
    const descending = (count: number): string =>
      Array.from({ length: count }, (_, index) => `${(count - index) * 2 * GAP}-${(count - index) * 2 * GAP}`).join()
    expect(await rangesOf(await hive.get(descending(33)))).toHaveLength(33)
    const before = hive.gets()
    const answer = await hive.get(descending(34))
    expect(answer.status).toBe(200)
    await answer.body!.cancel()
    expect(hive.gets() - before).toBeLessThan(34)
  })

  it('is answered with exactly the bytes that were asked for, and what it joins, whatever they are', async () => {
    const { get } = await startHive()
    let state = 1
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
    for (let round = 0; round < 40; round++) {
      const asked = Array.from({ length: 2 + random(12) }, () => {
        const first = random(SIZE)
        return [first, first + random(round % 3 === 0 ? 5_000 : 300)] as const
      })
      const response = await get(asked.map((range) => range.join('-')).join())
      const one = /^bytes (\d+)-(\d+)\//.exec(response.headers.get('content-range') ?? '')
      const ranges = one ? [[Number(one[1]), Number(one[2]) + 1] as const] : await rangesOf(response)
      const covers = (first: number, last: number): boolean =>
        ranges.some(([start, end]) => start <= first && Math.min(last + 1, SIZE) <= end)
      expect(asked.filter((range) => !covers(...range))).toEqual([])
      // Nothing twice, and no gap that was worth a part.
      const ordered = [...ranges].sort(([a], [b]) => a - b)
      for (const [index, [start]] of ordered.slice(1).entries()) expect(start).toBeGreaterThan(ordered[index]![1] + 100)
    }
  })

  it('has a boundary of its own each time', async () => {
    const { get } = await startHive()
    const types = new Set<string | null>()
    for (let round = 0; round < 5; round++) types.add((await get('0-9,20000-20009')).headers.get('content-type'))
    expect(types.size).toBe(5)
  })

  it('reads a block once for all parts that lie in it', async () => {
    const { get, gets } = await startHive()
    const before = gets()
    expect(await rangesOf(await get('0-9,300-309,600-609,1300-1309,1700-1709'))).toHaveLength(5)
    expect(gets() - before).toBe(2)
  })

  it('gets an error if the first part cannot be read, and a body that breaks off if a later one cannot', async () => {
    const first = await startHive()
    first.failAfter(0)
    expect((await first.get('0-9,20000-20009')).status).toBeGreaterThanOrEqual(500)

    const later = await startHive()
    later.failAfter(1)
    const response = await later.get('0-9,20000-20009')
    expect(response.status).toBe(206)
    await rejection(response.arrayBuffer())
    expect(later.errors).toHaveLength(1)
  })
})

describe('the body of several ranges', () => {
  const VERSION = { size: 10_000, type: 'text/plain' }
  const RANGES = [
    { start: 0, end: 1_000 },
    { start: 5_000, end: 6_000 },
  ]

  it('reads nothing before it is read, and holds two chunks at most', async () => {
    const read: number[] = []
    const body = multipartOf(RANGES, VERSION)
    const head = body.parts[0]!.head.slice()
    const stream = multipartStream(body, ({ start }) =>
      byteStream({ next: () => (read.push(start), new Uint8Array(100)), cancel: () => undefined }),
    )
    expect(read).toEqual([])
    const reader = stream.getReader()
    expect((await reader.read()).value).toEqual(head)
    expect(read).toEqual([0])
    await reader.read()
    expect(read).toEqual([0])
    await reader.cancel()
  })

  it('is given up at once, while a read is pending', async () => {
    const cancelled: unknown[] = []
    let isAsked = (): void => undefined
    const asked = new Promise<void>((resolve) => (isAsked = resolve))
    const stream = multipartStream(multipartOf(RANGES, VERSION), () =>
      byteStream({
        next: () => (isAsked(), new Promise<undefined>(() => undefined)),
        cancel: (reason) => void cancelled.push(reason),
      }),
    )
    const reader = stream.getReader()
    const pending = reader.read()
    await asked
    await reader.cancel('seek')
    expect((await pending).done).toBe(true)
    expect(cancelled).toEqual(['seek'])
  })

  it('fails if the bytes end within a part', async () => {
    const stream = multipartStream(multipartOf(RANGES, VERSION), () =>
      byteStream({ next: () => undefined, cancel: () => undefined }),
    )
    expect(await rejection(new Response(stream).arrayBuffer())).toBeInstanceOf(Error)
  })
})
