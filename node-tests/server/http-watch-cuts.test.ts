import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { startHiveServer } from '../../src/cli/hive-server.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import type { HiveChange } from '../../src/hive.ts'
import { HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { soon } from '../support/streams.ts'

/** Serves a hive as `comb serve` does, with a grace period that no test could wait for. */
async function serve() {
  const local = new LocalHive(new StreamStore(memoryBackend()))
  const server = await startHiveServer(local, {
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    allowHost: [],
    allowOrigin: [],
    log: false,
    graceMs: 600_000,
  })
  return { local, server }
}

const put = (hive: LocalHive, alias: string): Promise<void> => new Blob([alias]).stream().pipeTo(hive.sink(alias))

/** Changes entries until the watch has begun, and reads these changes. */
async function begin(local: LocalHive, reader: ReadableStreamDefaultReader<HiveChange>): Promise<void> {
  const seen: unknown[] = []
  const first = reader.read().then(({ value }) => seen.push(value))
  while (seen.length === 0) {
    await put(local, 'begin')
    await nextTask()
  }
  await first
  await put(local, 'begun')
  for (let alias: string | undefined; alias !== 'begun';) alias = (await soon(reader.read(), 'a change')).value!.alias
}

describe('HttpHive.watch over a network', () => {
  it('gets every change once, in order, although connections are cut', async () => {
    const { local, server } = await serve()
    onTestFinished(() => server.close())
    const proxy = await CuttingProxy.listen(Number(new URL(server.url).port))
    onTestFinished(() => proxy.close())
    const headers = { Authorization: 'Bearer secret' }
    const hive = new HttpHive(`http://127.0.0.1:${proxy.port}/`, { headers })
    const reader = hive.watch().getReader()
    onTestFinished(() => reader.cancel())
    const seen: (string | undefined)[] = []
    const read = async (): Promise<void> => {
      const { value } = await soon(reader.read(), 'a change')
      seen.push(value!.alias)
    }

    await begin(local, reader)
    const expected: string[] = []
    for (let i = 0; i < 24; i++) {
      // At the next pieces: events, the requests that follow a cut, and the heads of their answers.
      proxy.cut = { step: proxy.steps + 1 + (i % 4), arrives: i % 3 === 0 }
      await put(local, `a${i}`)
      expected.push(`a${i}`)
      if (i % 2) await read()
    }
    while (seen.length < expected.length) await read()
    expect(seen).toEqual(expected)
  })

  it('does not keep a server from stopping', async () => {
    const { local, server } = await serve()
    const controller = new AbortController()
    onTestFinished(() => controller.abort())
    const hive = new HttpHive(server.url, { headers: { Authorization: 'Bearer secret' } })
    const reader = hive.watch({ signal: controller.signal }).getReader()
    await begin(local, reader)
    expect(await soon(server.close(), 'the end of the server')).toBeUndefined()
  })
})
