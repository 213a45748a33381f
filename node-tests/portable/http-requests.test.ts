import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { randomBytes, rejection, standstill } from '../support/streams.ts'
import { KIB, BYTES, client, pass, rangeOf } from '../support/faulty-client.ts'

describe('HttpHive asks', () => {
  it('for ranges of one buffer, with If-Match, or without it to compare', async () => {
    for (const validate of ['if-match', 'compare'] as const) {
      const { hive, reads } = await client(pass, { validate })
      const entry = await hive.open('x', { bufferSize: 4 * KIB })
      expect(await collect(entry.stream({ start: 1_000 }))).toEqual(BYTES.slice(1_000))
      expect(reads().map(({ headers }) => headers.get('range') ?? 'bytes=1000-5095')[0]).toBe('bytes=1000-5095')
      expect(reads()).toHaveLength(5)
      for (const { headers } of reads())
        expect(headers.get('if-match')).toBe(validate === 'compare' ? null : entry.etag)
    }
  })

  it('for whole blocks of the server, but for exactly one buffer when each read must check the version', async () => {
    const { hive, local, reads } = await client(pass)
    const size = 2_500_000
    await bytesSource(randomBytes(size)).stream().pipeTo(local.sink('large'))
    const entry = await hive.open('large')
    expect((await collect(entry.stream({ start: 1 }))).byteLength).toBe(size - 1)
    const reader = entry.reader()
    while (reader.offset < size) await reader.read()
    const ranges = reads().map((request) => rangeOf(request))
    expect(ranges).toEqual([
      [1, 1_000_000],
      [1_000_000, 2_000_000],
      [2_000_000, size],
      [0, 1_048_576],
      [1_048_576, 2_097_152],
      [2_097_152, size],
    ])
  })

  it('for a snapshot in one request, by the URL of its version', async () => {
    const { hive, local, reads } = await client(pass)
    const entry = await hive.open('x', { bufferSize: KIB, consistency: 'snapshot' })
    const reader = entry.stream().getReader()
    let received = (await reader.read()).value!.byteLength
    await bytesSource(randomBytes(10)).stream().pipeTo(local.sink('x'))
    for (let read = await reader.read(); !read.done; read = await reader.read()) received += read.value.byteLength
    expect(received).toBe(BYTES.byteLength)
    expect(reads().map(({ url }) => url)).toEqual([`http://hive.test/x?v=${encodeURIComponent(entry.etag)}`])
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'ConflictError', expectedEtag: entry.etag })
    await local.remove('x')
    expect(await rejection(collect(entry.stream()))).toMatchObject({ name: 'NotFoundError', alias: 'x' })
  })

  it('for no more than the current range and the next one', async () => {
    const { hive, reads } = await client(pass)
    const reader = (await hive.open('x', { bufferSize: KIB })).stream().getReader()
    expect(reads()).toHaveLength(0)
    await reader.read()
    await expect.poll(() => reads().length).toBe(2)
    await standstill()
    expect(reads()).toHaveLength(2)
  })

  it('with its headers, computed again for each request', async () => {
    let asked = 0
    const { hive, requests } = await client(pass, {
      headers: () => Promise.resolve({ Authorization: `Bearer ${++asked}` }),
    })
    await hive.stat('x')
    await hive.list()
    await hive.remove('x')
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 3'])
  })

  it('for the pages of a list as they are read, and for one page where one is enough', async () => {
    const { local } = await client(pass)
    for (const alias of ['a', 'b', 'c', 'd']) await bytesSource(BYTES).stream().pipeTo(local.sink(alias))
    const handler = createHiveHandler(local, { limits: { listEntries: 2 } })
    let count = 0
    const hive = new HttpHive('http://hive.test/', {
      fetch(url, init) {
        count++
        return handler(new Request(url, init))
      },
    })
    const page = await hive.list({ limit: 3, after: 'a' })
    expect(page.entries.map(({ alias }) => alias)).toEqual(['b', 'c'])
    expect(page.next).toBe('c')
    expect((await hive.list({ after: 'c' })).next).toBe(undefined)
    const reader = hive.entries().getReader()
    expect(count).toBe(2)
    const aliases: string[] = []
    for (let read = await reader.read(); !read.done; read = await reader.read()) aliases.push(read.value.alias)
    expect(aliases).toEqual(['a', 'b', 'c', 'd', 'x'])
    expect(count).toBe(5)
  })
})

describe('new HttpHive', () => {
  it('refuses a URL with a user name or a password, which fetch would refuse', () => {
    for (const url of ['http://user@hive.test/', 'http://user:secret@hive.test/', 'http://:secret@hive.test/']) {
      expect(() => new HttpHive(url)).toThrow(/user name/)
    }
  })

  it('refuses a timeout that is too long for a timer', () => {
    for (const stallTimeoutMs of [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(() => new HttpHive('http://hive.test/', { stallTimeoutMs })).toThrow(RangeError)
    }
    expect(new HttpHive('http://hive.test/', { stallTimeoutMs: 2 ** 31 - 1 })).toBeInstanceOf(HttpHive)
  })
})
