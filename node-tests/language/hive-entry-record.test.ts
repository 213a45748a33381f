import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { fromHex, toHex } from '../../src/bytes/byte-text.ts'
import { collect } from '../../src/bytes/collect.ts'
import { FormatError } from '../../src/errors.ts'
import { type EntryRecord, formatEntryRecord, parseEntryRecord } from '../../src/hive/entry-record.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { RowKeys } from '../../src/store/rows/row-keys.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { text } from '../support/store-tools.ts'

const ID = '101112131415161718191a1b1c1d1e1f'
const SIGNATURE = '202122232425262728292a2b2c2d2e2f'
const DIGEST = '404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f'

const PLAIN: EntryRecord = {
  id: ID,
  digest: fromHex(DIGEST)!,
  size: 2_500_000,
  modifiedMs: 1_700_000_000_000,
  type: 'text/html',
  signatureId: undefined,
}
const FIELDS = `${ID}${DIGEST}00000000002625a00000018bcfe56800`
const TYPE = '09746578742f68746d6c'

/** These layouts are final: rows like these are on disks, the first two since 0.1.0. */
const ROWS: readonly (readonly [name: string, hex: string, record: EntryRecord])[] = [
  ['plain', `0100${FIELDS}${TYPE}`, PLAIN],
  ['signed', `0101${FIELDS}${SIGNATURE}${TYPE}`, { ...PLAIN, signatureId: SIGNATURE }],
  ['extended', `0102${FIELDS}${TYPE}0005070002beef`, { ...PLAIN, extensions: fromHex('070002beef')! }],
  [
    'signed and extended',
    `0103${FIELDS}${SIGNATURE}${TYPE}0007010001aa7f0000`,
    { ...PLAIN, signatureId: SIGNATURE, extensions: fromHex('010001aa7f0000')! },
  ],
]

describe('the row of an entry', () => {
  it.each(ROWS)('%s: the layout has not changed', (_, hex, record) => {
    expect(toHex(formatEntryRecord(record))).toBe(hex)
    expect(parseEntryRecord(fromHex(hex)!)).toEqual(record)
  })

  it.each(ROWS)('%s: any missing or extra byte is detected', (_, hex) => {
    const whole = fromHex(hex)!
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => parseEntryRecord(whole.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
    }
    expect(() => parseEntryRecord(new Uint8Array([...whole, 0]))).toThrow(FormatError)
  })

  it('reads back what it writes, and returns a record or throws a FormatError for any bytes', () => {
    const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
    const record = fc.record({
      id: bytes(16).map(toHex),
      digest: bytes(32),
      size: fc.maxSafeNat(),
      modifiedMs: fc.nat({ max: 8.64e15 }),
      type: fc.constantFrom('a/b', 'text/plain;charset=utf-8', 'x/' + 'y'.repeat(253)),
      signatureId: fc.option(bytes(16).map(toHex), { nil: undefined }),
      extensions: fc.option(
        fc.constantFrom('', '000000', '7f0003010203', '010000020000').map((hex) => fromHex(hex)!),
        {
          nil: undefined,
        },
      ),
    })
    fc.assert(
      fc.property(record, (each) => {
        expect(parseEntryRecord(formatEntryRecord(each))).toEqual(each)
      }),
    )
    fc.assert(
      fc.property(record, fc.nat(), fc.nat({ max: 255 }), (each, at, value) => {
        const row = formatEntryRecord(each)
        row[at % row.byteLength] = value
        try {
          parseEntryRecord(row)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
    )
  })

  it('refuses rows that a later version may write, as unsupported', () => {
    for (const hex of [
      '02',
      '0104',
      `0100${FIELDS}${TYPE}00`,
      `0102${FIELDS}${TYPE}0003800000`,
      `0102${FIELDS}${TYPE}0006070000ff0000`,
      `0102${FIELDS}${TYPE}000000`,
    ]) {
      expect(() => parseEntryRecord(fromHex(hex)!), hex).toThrow(expect.objectContaining({ reason: 'unsupported' }))
    }
  })

  it('takes a row that begins with zeros for a damaged one, since no version writes the layout 0', () => {
    for (const hex of ['00', '00'.repeat(80), `0000${FIELDS}${TYPE}`]) {
      expect(() => parseEntryRecord(fromHex(hex)!), hex).toThrow(expect.objectContaining({ reason: 'invalid' }))
    }
  })

  it('keeps extensions that may be ignored, but only for the same version of the entry', async () => {
    const backend = memoryBackend()
    const hive = new LocalHive(new StreamStore(backend))
    const key = new RowKeys('').alias(text('bee'))
    const read = async (): Promise<EntryRecord> => parseEntryRecord((await backend.metadata.get(key))!.value)
    await new Blob(['buzz']).stream().pipeTo(hive.sink('bee'))
    const extensions = fromHex('070002beef')!
    await backend.metadata.commit([], [{ key, value: formatEntryRecord({ ...(await read()), extensions }) }])
    const entry = await hive.open('bee')
    await collect(entry.signature())
    expect(await read()).toMatchObject({ extensions, signatureId: expect.stringMatching(/^[0-9a-f]{32}$/) })
    await new Blob(['hum']).stream().pipeTo(hive.sink('bee'))
    expect(await read()).not.toHaveProperty('extensions')
  })
})
