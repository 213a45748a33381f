import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { randomBytes, rejection } from '../support/streams.ts'

hiveSuite('HttpHive and a handler of the same program', () => {
  const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 })))
  const hive = new HttpHive('http://hive.test/', { fetch: (url, init) => handler(new Request(url, init)) })
  return Promise.resolve({ hive, other: hive })
})

describe('HttpHive behind a proxy that takes /hive off the path', () => {
  const withoutPrefix = (path: string): string => path.replace('/hive/', '/')
  const NEW_NAME = 'näme/a b%.mp4'

  async function start(proxy: (headers: Headers) => void): Promise<HttpHive> {
    const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())))
    const hive = new HttpHive('http://hive.test/hive/', {
      fetch(url, init) {
        const request = new Request(withoutPrefix(url), init)
        proxy(request.headers)
        return handler(request)
      },
    })
    await bytesSource(randomBytes(10)).stream().pipeTo(hive.sink('old'))
    return hive
  }

  it('fails to rename an entry, rather than to give it a wrong name', async () => {
    const hive = await start(() => undefined)
    expect(await rejection(hive.rename('old', NEW_NAME))).toMatchObject({ name: 'FormatError', status: 422 })
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual(['old'])
  })

  it('renames an entry if Destination is changed, too', async () => {
    const hive = await start((headers) => {
      const destination = headers.get('destination')
      if (destination !== null) headers.set('destination', withoutPrefix(destination))
    })
    await hive.rename('old', NEW_NAME)
    expect((await hive.list()).entries.map(({ alias }) => alias)).toEqual([NEW_NAME])
  })
})
