import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type HiveServer, startHiveServer } from '../../src/cli/hive-server.ts'
import { bytesSource } from '../../src/index.ts'
import { type Hive, LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

afterEach(() => void vi.useRealTimers())

function start(hive: Hive): Promise<HiveServer> {
  const [port, graceMs] = [0, 500]
  return startHiveServer(hive, {
    host: '127.0.0.1',
    port,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
    graceMs,
  })
}

test('a server closes without waiting for a timer, although an idle client stays connected', async () => {
  const { url, close } = await start(new LocalHive(new StreamStore(memoryBackend())))
  const response = await fetch(url)
  expect(response.status).toBe(200)
  await response.text()
  // From here on timers never fire, so the server can only wait for its connections.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await close()
  await expect(fetch(url)).rejects.toThrow(TypeError)
})

test('the requests on one connection are started one at a time, and their number is limited', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(new Uint8Array(8_000_000)).stream().pipeTo(hive.sink('x'))
  let opened = 0
  const counting = Object.assign(Object.create(hive) as Hive, {
    open: (...args: Parameters<Hive['open']>) => {
      opened++
      return hive.open(...args)
    },
  })
  const { url, close } = await start(counting)
  const { host, hostname, port } = new URL(url)
  const get = (path: string): string => `GET /${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(get('x').repeat(3))
  await once(socket, 'readable')
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(opened).toBe(1)
  let received = 0
  const all = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.byteLength
      if (received > 24_000_000) resolve()
    })
  })
  await all
  expect(opened).toBe(3)

  const flood = connect(Number(port), hostname)
  onTestFinished(() => void flood.destroy())
  flood.on('error', () => undefined)
  flood.write(get('x').repeat(500))
  await once(flood, 'close')
  expect(opened).toBeLessThan(6)
  await close()
})

test.for(['x', 'x?signature'])('%s is cancelled when its client leaves before the first byte', async (path) => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(new Uint8Array(10)).stream().pipeTo(hive.sink('x'))
  let cancelled: () => void
  const wasCancelled = new Promise<void>((resolve) => {
    cancelled = resolve
  })
  let asked: () => void
  const wasAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const silent = (): ReadableStream =>
    new ReadableStream({
      pull: () => {
        asked()
        return new Promise(() => undefined)
      },
      cancel: () => cancelled(),
    })
  const waiting = Object.assign(Object.create(hive) as Hive, {
    open: async (alias: string) => Object.assign(await hive.open(alias), { stream: silent, signature: silent }),
  })
  const { url, close } = await start(waiting)
  const gone = new AbortController()
  const answer = fetch(`${url}${path}`, { signal: gone.signal })
  await wasAsked
  gone.abort()
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  await wasCancelled
  await close()
})

test('damage is reported on standard error with the name of the entry', async () => {
  const backend = memoryBackend()
  const hive = new LocalHive(new StreamStore(backend, { blockSize: 10 }))
  for (const alias of ['lost', 'row']) await bytesSource(new Uint8Array(10)).stream().pipeTo(hive.sink(alias))
  for (const { name } of await backend.blocks.list({ prefix: '', limit: 10 })) await backend.blocks.delete(name)
  const key = new TextEncoder().encode('/a/row')
  await backend.metadata.commit([], [{ key, value: Uint8Array.of(1) }])
  const { url, close } = await start(hive)
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => said.push(String(line)) > 0)
  try {
    for (const path of ['lost', 'row', '']) await (await fetch(`${url}${path}`)).text()
  } finally {
    vi.restoreAllMocks()
    await close()
  }
  expect(said).toEqual([
    expect.stringMatching(/^comb: .*entry lost is damaged: block 0 of stored stream [0-9a-f]{32} is missing\n$/),
    expect.stringMatching(/^comb: .*entry row is damaged: /),
    expect.stringMatching(/^comb: .*entry row is damaged: /),
  ])
})

test('a server that closes does not wait for idle connections, before a request or within its head', async () => {
  const { url, close } = await start(new LocalHive(new StreamStore(memoryBackend())))
  const { hostname, port } = new URL(url)
  for (const text of ['', 'GET / HTTP/1.1\r\nHo']) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    if (text) await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  }
  // This answer shows that the server has accepted both.
  expect((await fetch(url)).status).toBe(200)
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await close()
})

test('a server that closes ends a connection after its transfer, even if the connection could be kept alive', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const { url, close } = await start(hive)
  const keepForever = (message: unknown): void => {
    const { server } = message as { server: Server }
    server.keepAliveTimeout = 0
  }
  subscribe('http.server.request.start', keepForever)
  onTestFinished(() => void unsubscribe('http.server.request.start', keepForever))
  const { host, hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`PUT /x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`)
  await once(socket, 'data')
  socket.write('ab')
  // The grace period never ends.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const closed = close()
  socket.write('cd')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 201 /)
  await closed
  expect((await hive.stat('x')).size).toBe(4)
})

test('a server that closes cuts off clients that do not read after the grace period, and not before', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  await bytesSource(new Uint8Array(50_000_000)).stream().pipeTo(hive.sink('x'))
  const { url, close } = await start(hive)
  const { host, hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await once(socket, 'readable')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const closed = close()
  vi.advanceTimersByTime(499)
  let isClosed = false
  void closed.then(() => (isClosed = true))
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(isClosed).toBe(false)
  vi.advanceTimersByTime(1)
  await closed
})

test('an answer that fits into one chunk is sent with all its fields, and closes its entry', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251)
  await bytesSource(bytes)
    .stream()
    .pipeTo(hive.sink('x', { type: 'text/plain' }))
  let open = 0
  const counting = Object.assign(Object.create(hive) as Hive, {
    open: async (...args: Parameters<Hive['open']>) => {
      const entry = await hive.open(...args)
      open++
      const close = entry.close.bind(entry)
      return Object.assign(entry, { close: () => (open--, close()) })
    },
  })
  const { url, close } = await start(counting)
  const part = await fetch(`${url}x`, { headers: { Range: 'bytes=1000-65999' } })
  expect(part.status).toBe(206)
  expect(part.headers.get('content-range')).toBe('bytes 1000-65999/100000')
  expect(part.headers.get('content-length')).toBe('65000')
  expect(part.headers.get('etag')).toBe((await hive.stat('x')).etag)
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(1000, 66_000))
  const head = await fetch(`${url}x`, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe('100000')
  const { etag } = await hive.stat('x')
  const unchanged = await fetch(`${url}x`, { headers: { 'If-None-Match': etag } })
  expect(unchanged.status).toBe(304)
  expect(open).toBe(0)
  await close()
})
