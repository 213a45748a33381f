import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { FormatError } from '../../src/errors.ts'
import {
  formatCandidate,
  formatPage,
  formatReference,
  formatStream,
  formatStreamId,
  formatTrash,
  FEATURES,
  formatVersion,
  isUsable,
  MAX_REFERENCE_BYTES,
  PAGE_ENTRIES,
  parseCandidate,
  parsePage,
  parseReference,
  parseStream,
  parseStreamId,
  parseVersion,
  parseTrash,
  type StreamRecord,
  type StreamStatus,
} from '../../src/store/rows/row-values.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'

const bytes = (byteLength: number, first: number): Uint8Array =>
  Uint8Array.from({ length: byteLength }, (_, i) => first + i)

const ID = bytes(16, 0x10)
const DIGEST = bytes(32, 0x40)

const stream: StreamRecord = {
  status: { kind: 'storing' },
  epoch: bytes(8, 0xe0),
  createdAt: 1_700_000_000_000,
  leaseUntil: 1_700_003_600_000,
  size: 2_500_000,
  blockCount: 3,
  blockSize: 1_000_000,
  codec: 0,
  digest: undefined,
  extensions: new Uint8Array(0),
}
const entry = { object: ID, rawLength: 1_000_000, storedLength: 999_999, codec: 0, checksum: bytes(8, 0xc0) }

const PLAIN_STREAM = '0001000f4240e0e1e2e3e4e5e6e70000018bcfe568000000018bd01c568000000000002625a000000003'
const DIGEST_HEX = toHex(DIGEST)
const ID_HEX = toHex(ID)
const ENTRY_HEX = `${ID_HEX}000f4240000f423f00c0c1c2c3c4c5c6c7`

/** These layouts are final: rows like these are on disks. Changing one of these lines changes the format. */
const FIXTURES: readonly (readonly [
  name: string,
  hex: string,
  format: Uint8Array,
  parse: (bytes: Uint8Array) => unknown,
])[] = [
  ['version', '0100000000', formatVersion(0), parseVersion],
  ['version with compressed blocks', '0100000001', formatVersion(FEATURES.compression), parseVersion],
  ['storing', `01010000${PLAIN_STREAM}0000`, formatStream(stream), parseStream],
  [
    'stored',
    `01020001${PLAIN_STREAM}${DIGEST_HEX}0000`,
    formatStream({ ...stream, status: { kind: 'stored' }, digest: DIGEST }),
    parseStream,
  ],
  [
    'stored with its content',
    `01020001${PLAIN_STREAM.replace('00000000002625a000000003', '000000000000000300000001')}${DIGEST_HEX}0006820003686579`,
    formatStream({
      ...stream,
      status: { kind: 'stored' },
      size: 3,
      blockCount: 0,
      digest: DIGEST,
      content: new TextEncoder().encode('hey'),
    }),
    parseStream,
  ],
  [
    'condemned',
    `01030201${PLAIN_STREAM}${DIGEST_HEX}0000`,
    formatStream({ ...stream, status: { kind: 'condemned', former: 'stored' }, digest: DIGEST }),
    parseStream,
  ],
  [
    'deleting',
    `01040200${PLAIN_STREAM}0000`,
    formatStream({ ...stream, status: { kind: 'deleting', reason: 'aborted' } }),
    parseStream,
  ],
  [
    'duplicate',
    `01040300${PLAIN_STREAM}${ID_HEX}0005070002beef`,
    formatStream({
      ...stream,
      status: { kind: 'deleting', reason: 'duplicate', survivor: ID },
      extensions: fromHex('070002beef')!,
    }),
    parseStream,
  ],
  [
    'stored in the pages of another',
    `01020001${PLAIN_STREAM}${DIGEST_HEX}0018070002beef800010${ID_HEX}`,
    formatStream({
      ...stream,
      status: { kind: 'stored' },
      digest: DIGEST,
      pageSet: ID,
      extensions: fromHex('070002beef')!,
    }),
    parseStream,
  ],
  [
    'stored and marked as damaged',
    `01020001${PLAIN_STREAM}${DIGEST_HEX}0008070002beef010000`,
    formatStream({
      ...stream,
      status: { kind: 'stored' },
      digest: DIGEST,
      damaged: true,
      extensions: fromHex('070002beef')!,
    }),
    parseStream,
  ],
  [
    'page',
    `0100000200000000000f4240${ENTRY_HEX}${ENTRY_HEX}`,
    formatPage({ byteOffset: 1_000_000, entries: [entry, entry] }),
    parsePage,
  ],
  [
    'page with digests',
    `010100010000000000000000${ENTRY_HEX}${DIGEST_HEX}`,
    formatPage({ byteOffset: 0, entries: [{ ...entry, digest: DIGEST }] }),
    parsePage,
  ],
  ['stream id', `01${ID_HEX}`, formatStreamId(ID), parseStreamId],
  [
    'reference',
    '01000000018bcfe56800',
    formatReference({ at: 1_700_000_000_000, expiresAt: undefined, reference: undefined, by: undefined }),
    parseReference,
  ],
  [
    'long reference that expires',
    '01030000018bcfe568000000018bd01c56800003aabbcc',
    formatReference({
      at: 1_700_000_000_000,
      expiresAt: 1_700_003_600_000,
      reference: fromHex('aabbcc')!,
      by: undefined,
    }),
    parseReference,
  ],
  [
    'reference that a last commit set',
    `01040000018bcfe56800${ID_HEX}`,
    formatReference({ at: 1_700_000_000_000, expiresAt: undefined, reference: undefined, by: ID }),
    parseReference,
  ],
  [
    'long reference that expires, set by a last commit',
    `01070000018bcfe568000000018bd01c56800003aabbcc${ID_HEX}`,
    formatReference({ at: 1_700_000_000_000, expiresAt: 1_700_003_600_000, reference: fromHex('aabbcc')!, by: ID }),
    parseReference,
  ],
  ['candidate', '010000018bcfe56800', formatCandidate(1_700_000_000_000), parseCandidate],
  [
    'trash',
    `010000018bcfe568000100000100000000000f4240${ENTRY_HEX}`,
    formatTrash(1_700_000_000_000, formatPage({ byteOffset: 1_000_000, entries: [entry] })),
    parseTrash,
  ],
]

/** Returns whether parsing these bytes returns a value or throws a FormatError. */
function isTotal(parse: (bytes: Uint8Array) => unknown, given: Uint8Array): boolean {
  try {
    parse(given)
    return true
  } catch (error) {
    return error instanceof FormatError
  }
}

describe('the rows of a store', () => {
  it.each(FIXTURES)('%s: the layout has not changed', (_, hex, formatted, parse) => {
    expect(toHex(formatted)).toBe(hex)
    expect(() => parse(formatted)).not.toThrow()
  })

  it.each(FIXTURES)('%s: any missing or extra byte is detected', (_, hex, __, parse) => {
    const whole = fromHex(hex)!
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => parse(whole.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
    }
    expect(() => parse(new Uint8Array([...whole, 0]))).toThrow(FormatError)
  })

  it.each(FIXTURES)('%s: any bytes yield a value or a FormatError', (_, hex, __, parse) => {
    const whole = fromHex(hex)!
    for (let i = 0; i < whole.byteLength; i++) {
      for (const value of [0, 1, 2, 4, 127, 128, 255, whole[i]! ^ 1]) {
        expect(isTotal(parse, whole.with(i, value))).toBe(true)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (given) => isTotal(parse, given)))
    const begun = fc.uint8Array({ maxLength: 100 }).map((tail) => new Uint8Array([...whole.subarray(0, 6), ...tail]))
    fc.assert(fc.property(begun, (given) => isTotal(parse, given)))
  })

  it('reads back every stream that it writes', () => {
    const time = fc.nat({ max: 2 ** 52 })
    const binary = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
    const status: fc.Arbitrary<StreamStatus> = fc.oneof(
      fc.constantFrom<StreamStatus>(
        { kind: 'storing' },
        { kind: 'stored' },
        { kind: 'condemned', former: 'stored' },
        { kind: 'condemned', former: 'storing' },
        { kind: 'deleting', reason: 'aborted' },
        { kind: 'deleting', reason: 'collected' },
      ),
      binary(16).map((survivor): StreamStatus => ({ kind: 'deleting', reason: 'duplicate', survivor })),
    )
    const extension = fc
      .tuple(fc.integer({ min: 2, max: 127 }), fc.uint8Array({ maxLength: 300 }))
      .map(([tag, value]) => [tag, value.byteLength >> 8, value.byteLength & 255, ...value])
    const record = fc
      .record({
        status,
        epoch: binary(8),
        createdAt: time,
        leaseUntil: time,
        size: fc.nat({ max: 2 ** 40 }),
        blockSize: fc.integer({ min: 1000, max: 2 ** 26 }),
        codec: fc.nat({ max: 255 }),
        digest: fc.option(binary(32), { nil: undefined }),
        pageSet: fc.option(binary(16), { nil: undefined }),
        damaged: fc.option(fc.constant<true>(true), { nil: undefined }),
        extensions: fc.array(extension, { maxLength: 3 }).map((all) => Uint8Array.from(all.flat())),
      })
      .map((each): StreamRecord => ({ ...each, blockCount: Math.ceil(each.size / each.blockSize) }))
      .filter((each) => each.digest !== undefined || !isUsable(each.status))
    fc.assert(
      fc.property(record, (each) => {
        expect(parseStream(formatStream(each))).toEqual(each)
      }),
    )
  })

  it('accepts extensions in any order, each known one only once and with the right length', () => {
    const pageSet = `800010${ID_HEX}`
    const record = (extensions: string): Uint8Array =>
      fromHex(`01010000${PLAIN_STREAM}${(extensions.length / 2).toString(16).padStart(4, '0')}${extensions}`)!
    const mark = '010000'
    expect(parseStream(record(`${pageSet}070002beef${mark}020000`))).toMatchObject({
      pageSet: ID,
      damaged: true,
      extensions: fromHex('070002beef020000')!,
    })
    for (const wrong of [pageSet + pageSet, `80000f${ID_HEX.slice(2)}`, `800000`, mark + mark, '01000100']) {
      expect(() => parseStream(record(wrong))).toThrow(expect.objectContaining({ reason: 'invalid' }))
    }
  })

  it('stays below 60 KB in a full page with digests and in the longest reference', () => {
    const entries = Array.from({ length: PAGE_ENTRIES }, () => ({ ...entry, digest: DIGEST }))
    const page = formatPage({ byteOffset: 0, entries })
    expect(page.byteLength).toBeLessThan(60_000)
    expect(parsePage(page).entries).toEqual(entries)
    const reference = new Uint8Array(MAX_REFERENCE_BYTES)
    expect(formatReference({ at: 0, expiresAt: 0, reference, by: ID }).byteLength).toBeLessThan(60_000)
  })

  it.each(FIXTURES.filter(([name]) => !name.startsWith('version')))(
    '%s: a row that begins with zeros is damaged, since no version writes the layout 0',
    (_, hex, __, parse) => {
      for (const zeros of [1, 8, hex.length / 2]) {
        const row = fromHex(hex)!.fill(0, 0, zeros)
        expect(() => parse(row)).toThrow(expect.objectContaining({ reason: 'invalid' }))
      }
    },
  )

  it('refuses rows that a later version may write, as unsupported', () => {
    const unsupported = (parse: (given: Uint8Array) => unknown, hex: string): void => {
      expect(() => parse(fromHex(hex)!)).toThrow(expect.objectContaining({ reason: 'unsupported' }))
    }
    unsupported(parseVersion, '0200000000')
    for (const features of ['00000002', '00000003', '80000001']) unsupported(parseVersion, `01${features}`)
    unsupported(parseStream, `02010000${PLAIN_STREAM}`)
    unsupported(parseStream, `01050000${PLAIN_STREAM}`)
    unsupported(parseStream, `01010002${PLAIN_STREAM}`)
    unsupported(parseStream, `01010000${PLAIN_STREAM.replace('0001', '0002')}`)
    for (const tag of ['81', 'a0', 'ff']) unsupported(parseStream, `01010000${PLAIN_STREAM}0003${tag}0000`)
    unsupported(parseReference, '01080000018bcfe56800')
    unsupported(parsePage, '0102000100000000')
  })
})

describe('the keys of a store', () => {
  it('have not changed', () => {
    const keys = new RowKeys('bees')
    const name = (key: Uint8Array): string => String.fromCharCode(...key)
    const id = String.fromCharCode(...ID)
    expect(name(keys.version())).toBe('bees/v')
    expect(name(keys.stream(ID))).toBe(`bees/s/${id}`)
    expect(name(keys.page(ID, 258))).toBe(`bees/m/${id}/\0\0\x01\x02`)
    expect(name(keys.digest(DIGEST))).toBe(`bees/h/${String.fromCharCode(...DIGEST)}`)
    expect(name(keys.candidate(ID))).toBe(`bees/c/${id}`)
    expect(name(keys.intent(ID))).toBe(`bees/i/${id}`)
    expect(name(keys.trash(ID, 258))).toBe(`bees/t/${id}/\0\0\x01\x02`)
    expect(name(keys.references(ID))).toBe(`bees/r/${id}/`)
    expect(name(keys.all('c'))).toBe('bees/c/')
    expect(name(keys.reference(ID, 'user', 'inline', bytes(2, 0x61)))).toBe(`bees/r/${id}/\0\0ab`)
    expect(name(keys.reference(ID, 'upload', 'hashed', bytes(2, 0x61)))).toBe(`bees/r/${id}/\x03\x01ab`)
    expect(name(keys.alias(bytes(2, 0x61)))).toBe('bees/a/ab')
    expect(name(keys.user(bytes(2, 0x61)))).toBe('bees/u/ab')
    expect(keys.object(ID)).toBe(`obees.${ID_HEX}`)
    expect(name(new RowKeys('').version())).toBe('/v')
    expect(new RowKeys('').object(ID)).toBe(`o.${ID_HEX}`)
  })
})
