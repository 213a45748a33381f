import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { PageHives } from '../../src/service-worker/page-hives.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const BASE = 'https://page.test/media/'

it('a page plays from the network while there is no storage for a cache, and from the cache once there is', async () => {
  const bytes = randomBytes(5_000)
  const remote = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(bytes).stream().pipeTo(remote.sink('bee.webm'))
  let hasStorage = false
  const store = new StreamStore(memoryBackend(), { name: 'cache' })
  const hives = new PageHives({
    hiveAt: () => remote,
    name: 'https://hive.test/',
    cache: {
      bytes: 1_000_000,
      openStore: () => (hasStorage ? Promise.resolve(store) : Promise.reject(new Error('no storage'))),
      offline: { get: () => Promise.resolve(false) },
    },
    identities: undefined,
    responder: { base: BASE },
  })
  const play = async (): Promise<Uint8Array> => {
    const response = await hives.responderOf('a')(new Request(`${BASE}bee.webm`))
    return collect(response!.body!)
  }
  expect(await play()).toEqual(bytes)
  const pin = (): Promise<unknown> => hives.useCache('a', (cache) => cache.pin('bee.webm'))
  expect(await rejection(pin())).toMatchObject({ message: 'no storage' })
  hasStorage = true
  await pin()
  expect(hives.statistics().networkBytes).toBe(5_000)
  expect(await play()).toEqual(bytes)
  expect(hives.statistics()).toEqual({ networkBytes: 5_000, cacheBytes: 5_000 })
})

it('a page goes on with the version that it began to read when its hive is opened anew', async () => {
  const remote = new LocalHive(new StreamStore(memoryBackend()))
  const put = (size: number): Promise<void> => bytesSource(randomBytes(size)).stream().pipeTo(remote.sink('bee.webm'))
  const hives = new PageHives({
    hiveAt: () => remote,
    name: 'https://hive.test/',
    cache: undefined,
    identities: undefined,
    responder: { base: BASE },
  })
  const ask = async (range: string): Promise<number> => {
    const request = new Request(`${BASE}bee.webm`, { headers: { Range: range } })
    const response = await hives.responderOf('a')(request, 'a')!
    await response.body?.cancel()
    return response.status
  }
  await put(5_000)
  expect(await ask('bytes=0-')).toBe(206)
  await put(6_000)
  hives.forgetAll()
  expect(await ask('bytes=9-')).toBe(412)
})
