// Behaviour that needs a real connection: refusal before the end of a body, broken connections, back-pressure.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { serve } from 'srvx'
import { afterEach, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, HttpHive, type HiveHandlerOptions, type Transfer } from '../../src/http.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import type { Backend } from '../../src/store/backend.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { startChild } from '../support/child-program.ts'
import { sample } from '../support/sample.ts'
import { randomBytes, rejection, soon } from '../support/streams.ts'

const MIB = 1024 * 1024

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function start(options: HiveHandlerOptions = {}, backend: Backend = memoryBackend()) {
  const local = new LocalHive(new StreamStore(backend))
  const transfers: Transfer[] = []
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    fetch: createHiveHandler(local, { onTransfer: (transfer) => transfers.push(transfer), ...options }),
  })
  await server.ready()
  closing.push(() => server.close(true))
  const url = server.url!
  const ended = async (operation: string): Promise<Transfer> => {
    for (;;) {
      const transfer = transfers.find((one) => one.operation === operation)
      if (transfer) return transfer
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { local, url, hive: new HttpHive(url), transfers, ended: (name: string) => soon(ended(name), name) }
}

const namesIn = async (hive: LocalHive): Promise<string[]> => (await hive.list()).entries.map(({ alias }) => alias)

/** Number of requests: while a server answers them, anything else that it does would have ended many times over. */
const ROUND_TRIPS = 100

/** Returns whether a promise settles while the server answers many other requests. */
async function settlesMeanwhile(promise: Promise<unknown>, hive: HttpHive): Promise<boolean> {
  const outcome = { isSettled: false }
  const settle = (): void => void (outcome.isSettled = true)
  promise.then(settle, settle)
  for (let i = 0; i < ROUND_TRIPS && !outcome.isSettled; i++) await hive.list()
  return outcome.isSettled
}

/** Writes until the sink fails. Returns its error. */
async function writeOn(writer: WritableStreamDefaultWriter<Uint8Array>): Promise<unknown> {
  try {
    for (;;) {
      await writer.write(new Uint8Array(MIB))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  } catch (error) {
    return error
  }
}

describe('an upload that is refused before its end fails with the reason', () => {
  it('while it is being written', async () => {
    const { hive, local } = await start({ authorize: (_request, { operation }) => operation !== 'put' })
    const sink = hive.sink('x')
    const error = await soon(writeOn(sink.getWriter()), 'the refusal')
    expect(error).toMatchObject({ name: 'AccessError', alias: 'x', status: 403 })
    expect(await rejection(sink.entry)).toBe(error)
    expect(await namesIn(local)).toEqual([])
  })

  it('while nothing is being written', async () => {
    const { hive } = await start({ authorize: (_request, { operation }) => operation !== 'put' })
    const writer = hive.sink('x').getWriter()
    writer.closed.catch(() => undefined)
    await writer.write(new Uint8Array(MIB)).catch(() => undefined)
    expect(await rejection(writer.closed)).toMatchObject({ name: 'AccessError', status: 403 })
  })

  it('because another writer stored an entry after its check', async () => {
    const { local, url } = await start()
    const first = local.sink('x')
    await bytesSource(randomBytes(10)).stream().pipeTo(first)
    const { etag } = await first.entry
    const hive = new HttpHive(url, {
      async fetch(input, init) {
        if (init.method === 'PUT') await bytesSource(randomBytes(20)).stream().pipeTo(local.sink('x'))
        return fetch(input, init)
      },
    })
    const error = await soon(writeOn(hive.sink('x', { ifMatch: etag }).getWriter()), 'the refusal')
    expect(error).toMatchObject({ name: 'ConflictError', alias: 'x', expectedEtag: etag })
    expect((error as { actualEtag: string }).actualEtag).toBe((await local.stat('x')).etag)
  })

  it('because it is larger than the server accepts', async () => {
    const { hive, local, transfers } = await start({ limits: { uploadBytes: 3 * MIB } })
    const error = await soon(writeOn(hive.sink('x').getWriter()), 'the refusal')
    expect(error).toMatchObject({ name: 'QuotaExceededError', limit: 3 * MIB })
    expect(await namesIn(local)).toEqual([])
    expect(transfers[0]).toMatchObject({ operation: 'put', status: 413 })
    // The connection can be used again.
    await bytesSource(randomBytes(MIB)).stream().pipeTo(hive.sink('y'))
    expect(await namesIn(local)).toEqual(['y'])
  })

  it('because the body is not a delta', async () => {
    const { hive, local } = await start()
    await bytesSource(randomBytes(MIB)).stream().pipeTo(local.sink('x'))
    const { etag } = await local.stat('x')
    const error = await soon(writeOn(hive.patchSink('x', { ifMatch: etag }).getWriter()), 'the refusal')
    expect(error).toMatchObject({ name: 'FormatError', reason: 'magic' })
    expect((await local.stat('x')).etag).toBe(etag)
  })
})

describe('an upload that breaks off leaves nothing', () => {
  const chunk = `${(1000).toString(16)}\r\n${'x'.repeat(1000)}\r\n`
  const requests: Record<string, string> = {
    'with a length, after the head': 'Content-Length: 5000\r\n\r\n',
    'with a length, midway': `Content-Length: 5000\r\n\r\n${'x'.repeat(2000)}`,
    'in chunks, after the head': 'Transfer-Encoding: chunked\r\n\r\n',
    'in chunks, between two': `Transfer-Encoding: chunked\r\n\r\n${chunk}`,
    'in chunks, within one': `Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk.slice(0, 500)}`,
  }
  for (const [title, rest] of Object.entries(requests)) {
    for (const ending of ['end', 'destroy'] as const) {
      it(`${title}: ${ending === 'end' ? 'closed' : 'reset'}`, async () => {
        let arrive: () => void
        const arrived = new Promise<void>((resolve) => (arrive = resolve))
        const authorize = (): boolean => (arrive(), true)
        const { local, url, hive, ended } = await start({ authorize })
        const socket = await dial(url)
        socket.write(`PUT /x HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: text/plain\r\n${rest}`)
        await soon(arrived, 'the request')
        if (ending === 'end') socket.end()
        else socket.resetAndDestroy()
        expect((await ended('put')).status).toBe(400)
        expect(await namesIn(local)).toEqual([])
        await bytesSource(randomBytes(100)).stream().pipeTo(hive.sink('y'))
        expect(await namesIn(local)).toEqual(['y'])
        socket.destroy()
      })
    }
  }

  it('because its writer aborts', async () => {
    const { hive, local, ended } = await start()
    const sink = hive.sink('x')
    const writer = sink.getWriter()
    await writer.write(new Uint8Array(2 * MIB))
    const reason = new Error('changed my mind')
    await soon(writer.abort(reason), 'abort')
    expect(await rejection(sink.entry)).toBe(reason)
    expect((await ended('put')).status).toBe(400)
    expect(await namesIn(local)).toEqual([])
  })

  for (const delayMs of sample([0, 1, 2, 5, 10, 20, 50])) {
    it(`because its server goes away ${delayMs} ms after the head`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.on('data', () => undefined)
        setTimeout(() => socket.destroy(), delayMs)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      closing.push(() => new Promise((resolve) => server.close(resolve)))
      const { port } = server.address() as AddressInfo
      const sink = new HttpHive(`http://127.0.0.1:${port}/`).sink('x')
      const error = await soon(writeOn(sink.getWriter()), 'the failure')
      expect(error).toMatchObject({ name: 'BackendError', retryable: true })
      expect(await rejection(sink.entry)).toBe(error)
    })
  }
})

describe('an upload whose answer is lost', () => {
  /**
   * Forwards connections to a server. The first connection is closed when the answer arrives, and never delivers it.
   */
  async function deafProxy(url: string): Promise<string> {
    let isFirst = true
    const server = createServer((socket) => {
      const isDeaf = isFirst
      isFirst = false
      const upstream = connect(Number(new URL(url).port), '127.0.0.1')
      for (const end of [socket, upstream]) end.on('error', () => undefined)
      socket.pipe(upstream)
      if (isDeaf) upstream.once('data', () => socket.destroy())
      else upstream.pipe(socket)
      socket.on('close', () => upstream.destroy())
      upstream.on('close', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  for (const requestStreams of [true, false]) {
    it(`succeeds if the entry has its bytes, ${requestStreams ? 'streamed' : 'sent as one'}`, async () => {
      const { local, url, transfers } = await start()
      const hive = new HttpHive(await deafProxy(url), { requestStreams })
      const bytes = randomBytes(2 * MIB)
      const sink = hive.sink('x')
      await soon(bytesSource(bytes).stream().pipeTo(sink), 'the upload')
      expect((await sink.entry).etag).toBe((await local.stat('x')).etag)
      expect(await collect((await sink.entry).stream())).toEqual(bytes)
      // Deno's fetch itself repeats a request whose whole body it has.
      if (requestStreams) expect(transfers.filter(({ operation }) => operation === 'put')).toHaveLength(1)
    })
  }
})

describe('back-pressure', () => {
  it('a reader that pauses stops the server, and one that leaves ends the request', async () => {
    const { hive, local, transfers } = await start()
    await new Blob([new Uint8Array(40 * MIB)]).stream().pipeTo(local.sink('x'))
    const entry = await hive.open('x', { consistency: 'snapshot' })
    const reader = entry.stream().getReader()
    await reader.read()
    // Another reader receives all of it in the same time.
    expect((await collect((await hive.open('x', { consistency: 'snapshot' })).stream())).byteLength).toBe(40 * MIB)
    await soon(reader.cancel('seek'), 'cancel')
    const reads = (): Transfer[] => transfers.filter(({ operation }) => operation === 'read')
    await expect.poll(() => reads().length).toBe(2)
    const [paused, whole] = reads().toSorted((a, b) => a.sent - b.sent)
    expect(whole).toMatchObject({ operation: 'read', status: 206, sent: 40 * MIB })
    expect(paused).toMatchObject({ operation: 'read', status: 206 })
    expect(paused!.sent).toBeLessThan(32 * MIB)
  })

  for (const ending of ['closes', 'gives up'] as const) {
    it(`a server that cannot store any faster stops the writer, which then ${ending}`, async () => {
      const slow = slowBackend()
      const { hive, local, ended } = await start({}, slow.backend)
      const sink = hive.sink('x')
      const writer = sink.getWriter()
      writer.closed.catch(() => undefined)
      let written = 0
      for (;;) {
        const write = writer.write(randomBytes(MIB, ++written))
        write.catch(() => undefined)
        if (!(await settlesMeanwhile(write, hive))) break
        expect(written).toBeLessThan(32)
      }
      if (ending === 'closes') {
        slow.release()
        await soon(writer.close(), 'close')
        expect((await local.stat('x')).size).toBe(written * MIB)
      } else {
        await soon(writer.abort('stop'), 'abort')
        expect(await rejection(sink.entry)).toBe('stop')
        // Node does not notice the abort until it reads again.
        slow.release()
        expect((await ended('put')).status).toBe(400)
        expect(await namesIn(local)).toEqual([])
      }
    })
  }
})

it('a program ends although it has left readers in the middle of an entry', async () => {
  const child = startChild('leaving-child')
  const [output, errors, [code]] = await Promise.all([
    readText(child.stdout),
    readText(child.stderr),
    once(child, 'close'),
  ])
  expect({ output, errors, code }).toEqual({ output: 'left\n', errors: '', code: 0 })
})

describe('over the network', () => {
  it('an update by delta transfers little more than the new bytes', async () => {
    const { hive, local, transfers } = await start()
    const old = randomBytes(8_000_000, 1)
    await new Blob([old]).stream().pipeTo(local.sink('x'))
    const inserted = randomBytes(80_000, 2)
    const edited = new Blob([old.subarray(0, 2_666_666), inserted, old.subarray(2_666_666)])

    const entry = await hive.open('x')
    const signature = await loadSignature(entry.signature())
    const sink = hive.patchSink('x', { ifMatch: entry.etag })
    await edited.stream().pipeThrough(new DeltaStream(signature)).pipeTo(sink)

    const wanted = local.sink('wanted')
    await edited.stream().pipeTo(wanted)
    expect((await sink.entry).etag).toBe((await wanted.entry).etag)
    const moved = transfers.reduce((sum, { received, sent }) => sum + received + sent, 0)
    expect(moved).toBeGreaterThan(inserted.byteLength)
    expect(moved).toBeLessThan(old.byteLength * 0.03)
  })

  it('HEAD states the length that GET delivers', async () => {
    const { url, local } = await start()
    await bytesSource(randomBytes(5_000)).stream().pipeTo(local.sink('x'))
    const head = await fetch(`${url}x`, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe('5000')
    const get = await fetch(`${url}x`, { headers: { Range: 'bytes=0-999' } })
    // Bun sends every streamed body in chunks, even if its length is known.
    expect([get.headers.get('content-length'), get.headers.get('transfer-encoding')]).toContain(
      get.headers.has('transfer-encoding') ? 'chunked' : '1000',
    )
    expect((await get.arrayBuffer()).byteLength).toBe(1_000)
  })

  it('many readers and writers of one hive get the bytes that they requested', async () => {
    const { hive } = await start()
    await Promise.all(
      Array.from({ length: 16 }, async (_, i) => {
        const bytes = randomBytes(60_000 + i, i + 1)
        await bytesSource(bytes)
          .stream()
          .pipeTo(hive.sink(`x/${i}`))
        const entry = await hive.open(`x/${i}`, { bufferSize: 16 * 1024 })
        expect(await collect(entry.stream())).toEqual(bytes)
      }),
    )
  })
})

async function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** A backend that stores no block until it is released. */
function slowBackend(): { backend: Backend; release(): void } {
  const backend = memoryBackend()
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const { put } = backend.blocks
  backend.blocks.put = async (...call) => {
    await released
    return put.apply(backend.blocks, call)
  }
  return { backend, release }
}
