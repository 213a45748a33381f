/**
 * The sentences of wrpme's entry streaming, in its order and, as far as they go, in its words; each on every kind of
 * entry.
 */
import { describe, expect, it } from 'vitest'
import type { ConflictError } from '../../src/errors.ts'
import type { Entry, EntryReader } from '../../src/hive/hive.ts'
import { ENTRY_KINDS, type TestEntry } from '../support/entry-kinds.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const BUFFER = 1_024
const SIZE = 2_500
const BYTES = randomBytes(SIZE)
const OTHER = randomBytes(20_000, 2)
const MIB = 1024 * 1024

/** Everything that a handle can be asked for. */
const CALLS: Readonly<Record<string, (reader: EntryReader) => Promise<unknown>>> = {
  read: (reader) => reader.read(),
  'seek to another place': async (reader) => reader.seek(1),
  'seek to the same place': async (reader) => reader.seek(reader.offset),
}

for (const [kind, newEntry] of Object.entries(ENTRY_KINDS)) {
  const stored = async (bytes = BYTES): Promise<TestEntry> => {
    const entry = newEntry()
    await entry.put(bytes)
    return entry
  }
  const opened = async (bufferSize = BUFFER): Promise<Entry> => (await stored()).open({ bufferSize })

  describe(`${kind}: open`, () => {
    it('gives a handle with the size of the entry and offset 0', async () => {
      expect((await opened()).reader()).toMatchObject({ size: SIZE, offset: 0 })
    })

    it('of an entry that is missing is a "not found" error', async () => {
      expect(await rejection(newEntry().open())).toMatchObject({ name: 'NotFoundError' })
    })

    it('takes the buffer size: 1 MiB by default, at least 1,024 bytes, at most 10 MiB', async () => {
      const entry = await stored()
      expect((await entry.open()).reader().bufferSize).toBe(MIB)
      for (const bufferSize of [1_024, 10 * MIB]) {
        expect((await entry.open({ bufferSize })).reader().bufferSize).toBe(bufferSize)
      }
      for (const bufferSize of [0, 1_023, 10 * MIB + 1]) {
        expect(await rejection(entry.open({ bufferSize })), String(bufferSize)).toBeInstanceOf(RangeError)
      }
    })

    it('fixes the buffer size: changing the option later never touches open handles', async () => {
      const entry = await stored()
      const options = { bufferSize: BUFFER }
      const opening = await entry.open(options)
      const own = { bufferSize: 2_000 }
      const readers = [opening.reader(), opening.reader(own)]
      options.bufferSize = own.bufferSize = 1_500
      const sizes = await Promise.all(readers.map(async (reader) => (await reader.read()).byteLength))
      expect(sizes).toEqual([1_024, 2_000])
    })

    it('gives every handle a buffer of its own, so many can stream at once', async () => {
      const entry = await opened()
      const readers = Array.from({ length: 5 }, (_, i) => entry.reader({ bufferSize: BUFFER + i }))
      for (const [i, reader] of readers.entries()) reader.seek(i * 100)
      const read = await Promise.all(readers.map((reader) => reader.read()))
      for (const [i, bytes] of read.entries()) expect(bytes).toEqual(BYTES.slice(i * 100, i * 101 + BUFFER))
      expect(readers.map(({ offset }) => offset)).toEqual(readers.map((_, i) => i * 101 + BUFFER))
    })
  })

  describe(`${kind}: read`, () => {
    it('gives at most the buffer size from the current offset, or the remainder, and advances', async () => {
      const reader = (await opened()).reader()
      for (const [start, end] of [
        [0, 1_024],
        [1_024, 2_048],
        [2_048, SIZE],
      ] as const) {
        expect(reader.offset).toBe(start)
        expect(await reader.read()).toEqual(BYTES.slice(start, end))
        expect(reader.offset).toBe(end)
      }
    })

    it('at the end is an "out of bounds" error', async () => {
      const reader = (await opened()).reader()
      reader.seek(SIZE)
      expect(await rejection(reader.read())).toBeInstanceOf(RangeError)
      expect(await rejection(reader.read())).toBeInstanceOf(RangeError)
      const entry = await stored(new Uint8Array(0))
      expect(await rejection((await entry.open()).reader().read())).toBeInstanceOf(RangeError)
    })

    it('gives an array that belongs to the caller from then on', async () => {
      const reader = (await opened()).reader()
      const first = await reader.read()
      first.fill(0)
      expect(await reader.read()).toEqual(BYTES.slice(1_024, 2_048))
      expect(first).toEqual(new Uint8Array(BUFFER))
      reader.seek(0)
      expect(await reader.read()).toEqual(BYTES.slice(0, BUFFER))
    })
  })

  describe(`${kind}: set offset`, () => {
    it('works at any time, rewinding after the end included', async () => {
      const reader = (await opened()).reader()
      for (const offset of [2_000, 1, SIZE, 0, SIZE, 1_999]) {
        reader.seek(offset)
        expect(reader.offset).toBe(offset)
        if (offset < SIZE) expect(await reader.read()).toEqual(BYTES.slice(offset, offset + BUFFER))
      }
    })

    it('beyond the end is an "out of bounds" error, and leaves the handle as it is', async () => {
      const reader = (await opened()).reader()
      await reader.read()
      for (const offset of [SIZE + 1, -1]) expect(() => reader.seek(offset)).toThrow(RangeError)
      expect(reader.offset).toBe(BUFFER)
      expect(await reader.read()).toEqual(BYTES.slice(1_024, 2_048))
    })
  })

  describe(`${kind}: close`, () => {
    it('of a handle makes any call on it a TypeError, and touches no other handle', async () => {
      const entry = await opened()
      const [closed, other] = [entry.reader(), entry.reader()]
      await Promise.all([closed.read(), other.read()])
      await closed.close()
      await closed.close()
      for (const [call, run] of Object.entries(CALLS)) {
        expect(await rejection(run(closed)), call).toBeInstanceOf(TypeError)
      }
      expect(await other.read()).toEqual(BYTES.slice(1_024, 2_048))
    })
  })

  describe(`${kind}: when another client updates the entry`, () => {
    it('streaming does not lock it', async () => {
      const entry = await stored()
      const reader = (await entry.open({ bufferSize: BUFFER })).reader()
      await reader.read()
      await entry.put(OTHER)
      expect(await (await entry.open()).bytes()).toEqual(OTHER)
    })

    it('the next read is a "conflicting operation" error, and every later call on the dead handle fails the same way', async () => {
      const entry = await stored()
      const opening = await entry.open({ bufferSize: BUFFER })
      const reader = opening.reader()
      await reader.read()
      await entry.put(OTHER)
      const error = await rejection(reader.read())
      const { etag: actualEtag } = await entry.open()
      const facts = {
        name: 'ConflictError',
        alias: entry.alias,
        expectedEtag: opening.etag,
        actualEtag,
        offset: BUFFER,
      }
      expect(error).toMatchObject(facts)
      for (const [call, run] of Object.entries(CALLS)) expect(await rejection(run(reader)), call).toBe(error)
    })

    it('reopen it, and set the former offset if the new content is long enough', async () => {
      const entry = await stored()
      const opening = await entry.open({ bufferSize: BUFFER })
      const reader = opening.reader()
      await reader.read()
      await entry.put(OTHER)
      const { offset } = (await rejection(reader.read())) as ConflictError
      const again = (await opening.reopen()).reader()
      again.seek(offset!)
      expect(await again.read()).toEqual(OTHER.slice(BUFFER, 2 * BUFFER))

      await entry.put(OTHER.slice(0, BUFFER - 1))
      const shorter = (await opening.reopen()).reader()
      expect(() => shorter.seek(offset!)).toThrow(RangeError)
    })

    it('with the same bytes, it is not a conflict', async () => {
      const entry = await stored()
      const reader = (await entry.open({ bufferSize: BUFFER })).reader()
      await reader.read()
      await entry.put(BYTES)
      expect(await reader.read()).toEqual(BYTES.slice(1_024, 2_048))
    })

    it('a snapshot finishes the version that it began', async () => {
      const entry = await stored(OTHER)
      const pinned = (await entry.open({ bufferSize: BUFFER, consistency: 'snapshot' })).stream().getReader()
      const current = (await entry.open({ bufferSize: BUFFER })).stream().getReader()
      const first = (await pinned.read()).value!
      await current.read()
      await entry.put(BYTES)

      let offset = first.byteLength
      expect(first).toEqual(OTHER.slice(0, offset))
      for (let read = await pinned.read(); !read.done; read = await pinned.read()) {
        expect(read.value).toEqual(OTHER.slice(offset, offset + read.value.byteLength))
        offset += read.value.byteLength
      }
      expect(offset).toBe(OTHER.byteLength)
      const toTheEnd = async (): Promise<void> => {
        while (!(await current.read()).done);
      }
      expect(await rejection(toTheEnd())).toMatchObject({ name: 'ConflictError' })
    })
  })

  describe(`${kind}: when the entry is removed`, () => {
    it('the next read is a "not found" error, and the handle is dead', async () => {
      const entry = await stored()
      const reader = (await entry.open({ bufferSize: BUFFER })).reader()
      await reader.read()
      await entry.remove()
      const error = await rejection(reader.read())
      expect(error).toMatchObject({ name: 'NotFoundError', alias: entry.alias })
      for (const [call, run] of Object.entries(CALLS)) expect(await rejection(run(reader)), call).toBe(error)
    })
  })
}
