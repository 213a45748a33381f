import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import type { EntryInfo } from '../../src/hive/hive.ts'
import { PinnedEntry } from '../../src/hive/pinned-entry.ts'
import type { VersionRangeReading, VersionReading, VersionSource } from '../../src/hive/version-source.ts'
import { randomBytes } from '../support/streams.ts'

const BYTES = randomBytes(5_000)
const INFO: EntryInfo = { alias: 'x', size: 5_000, etag: '"a"', type: 'a/b', modified: new Date(5) }

/** An entry whose bytes are in memory, and the calls to its source. */
function entryInMemory() {
  const asked: { range?: object; reading: VersionReading | VersionRangeReading }[] = []
  const reopened: object[] = []
  const source: VersionSource = {
    info: INFO,
    digest: undefined,
    read(range, reading) {
      asked.push({ range, reading })
      return bytesSource(BYTES).slice(range.start, range.end).stream() as ReadableStream<Uint8Array<ArrayBuffer>>
    },
    signature(reading) {
      asked.push({ reading })
      return bytesSource(Uint8Array.of(1, 2)).stream() as ReadableStream<Uint8Array<ArrayBuffer>>
    },
    reopen(options) {
      reopened.push(options)
      return Promise.resolve(entry)
    },
  }
  const entry = new PinnedEntry(source, 2_000)
  return { entry, asked, reopened }
}

describe('PinnedEntry over a source of five members', () => {
  it('describes the version, and reads, slices and seeks in it', async () => {
    const { entry } = entryInMemory()
    expect(entry).toMatchObject(INFO)
    expect(await collect(entry.stream())).toEqual(BYTES)
    expect(await collect(entry.stream({ start: 10, end: 20 }))).toEqual(BYTES.slice(10, 20))
    expect(await collect(entry.slice(-10).slice(1, 3).stream())).toEqual(BYTES.slice(4_991, 4_993))
    expect(await collect(entry.signature())).toEqual(Uint8Array.of(1, 2))
    const reader = entry.reader()
    reader.seek(4_000)
    expect(await reader.read()).toEqual(BYTES.slice(4_000))
    expect(() => entry.stream({ start: 5_001 })).toThrow(RangeError)
    expect(() => entry.reader({ bufferSize: 5 })).toThrow(RangeError)
  })

  it('reads ahead for a stream but not for a reader, in buffers of the requested size', () => {
    const { entry, asked } = entryInMemory()
    void entry.stream({ start: 1 })
    void entry.reader({ bufferSize: 3_000 }).read()
    void entry.signature()
    expect(asked).toMatchObject([
      { range: { start: 1, end: 5_000 }, reading: { bufferSize: 2_000, readAhead: true } },
      { range: { start: 0, end: 5_000 }, reading: { bufferSize: 3_000, readAhead: false } },
      { reading: { bufferSize: 2_000 } },
    ])
  })

  it('passes signals on: that of the call, and one that aborts when the entry is closed', async () => {
    const { entry, asked } = entryInMemory()
    const { signal } = new AbortController()
    void entry.stream({ signal })
    void entry.signature({ signal })
    const readings = asked.map(({ reading }) => reading.signals)
    for (const [own, closed] of readings) {
      expect(own).toBe(signal)
      expect(closed?.aborted).toBe(false)
    }
    await entry.close()
    for (const [, closed] of readings) expect(closed?.reason).toBeInstanceOf(TypeError)
    const slice = entry.slice(0, 1)
    for (const call of [() => entry.stream(), () => entry.reader(), () => entry.signature(), () => slice.stream()]) {
      expect(call).toThrow(TypeError)
    }
  })

  it('is reopened with the same buffer size', async () => {
    const { entry, reopened } = entryInMemory()
    const { signal } = new AbortController()
    await entry.reopen({ signal })
    expect(reopened).toEqual([{ bufferSize: 2_000, signal }])
  })
})
