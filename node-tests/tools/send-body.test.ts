import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { byteStream } from '../../src/bytes/byte-stream.ts'
import { startHiveServer } from '../../src/cli/hive-server.ts'
import { sendBody, SendBuffers } from '../../src/cli/send-body.ts'
import { LocalHive } from '../../src/hive.ts'
import { bytesSource } from '../../src/index.ts'
import { StreamStore } from '../../src/store.ts'
import { randomBytes } from '../support/streams.ts'

const MIB = 2 ** 20

const PATTERN = randomBytes(10_007)

/** Bytes in which no two pieces of a body are equal that could be exchanged. */
function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.alloc(length, PATTERN))
}

/** A body that counts how it is read, and fails where it is told to. */
class Body {
  delivered = 0
  fills = 0
  readonly cancelled: Promise<void>
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>

  constructor(content: Uint8Array<ArrayBuffer>, failAt = Infinity) {
    let cancelled: () => void
    this.cancelled = new Promise((resolve) => (cancelled = resolve))
    const take = (most: number): Uint8Array<ArrayBuffer> => {
      if (this.delivered >= failAt) throw new Error('the disk is gone')
      const piece = content.slice(this.delivered, this.delivered + most)
      this.delivered += piece.byteLength
      return piece
    }
    this.stream = byteStream({
      next: () => {
        const piece = take(1_000_000)
        return piece.byteLength > 0 ? piece : undefined
      },
      fill: (buffer) => {
        this.fills++
        const piece = take(buffer.byteLength)
        buffer.set(piece)
        return piece.byteLength
      },
      cancel: () => cancelled(),
    })
  }
}

/** Serves one body, and requests it. */
async function request(
  body: Body,
  length: number,
): Promise<{ socket: Socket; response: ServerResponse; buffers: SendBuffers; sent: Promise<void> }> {
  const buffers = new SendBuffers()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  socket.on('error', () => undefined)
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  response.writeHead(200, { 'Content-Length': length })
  return { socket, response, buffers, sent: sendBody(body.stream, response, buffers) }
}

/** What the socket receives after the head, to its end. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  socket.resume()
  await once(socket, 'close')
  const all = Buffer.concat(chunks)
  return all.subarray(all.indexOf('\r\n\r\n') + 4)
}

/** The number of buffers that can be lent. */
function lendable(buffers: SendBuffers): number {
  let count = 0
  while (buffers.lend()) count++
  return count
}

/** Waits until nothing more is read from the body, since the client does not take it. */
async function stalled(body: Body, response: ServerResponse): Promise<void> {
  for (let before = -1, turns = 0; turns < 100; turns++) {
    if (before !== body.delivered || response.writableLength === 0) turns = 0
    before = body.delivered
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a body is sent through buffers that all come back', async () => {
  const content = bytesOf(12 * MIB + 5)
  const body = new Body(content)
  const { socket, buffers, sent } = await request(body, content.byteLength)
  expect((await received(socket)).equals(content)).toBe(true)
  await sent
  expect(body.fills).toBeGreaterThan(0)
  expect(lendable(buffers)).toBe(8)
})

test('a body is read no further than its client takes it, and then to the last byte', async () => {
  const content = bytesOf(16 * MIB)
  const body = new Body(content)
  const { socket, response, sent } = await request(body, content.byteLength)
  await stalled(body, response)
  expect(body.delivered).toBeLessThan(content.byteLength)
  expect(response.writableLength).toBeLessThanOrEqual(MIB + 1024)
  expect((await received(socket)).equals(content)).toBe(true)
  await sent
})

test('a body is cancelled when its client disconnects, and other answers get the buffer', async () => {
  const content = bytesOf(16 * MIB)
  const body = new Body(content)
  const { socket, response, buffers, sent } = await request(body, content.byteLength)
  await stalled(body, response)
  socket.destroy()
  await body.cancelled
  await sent
  expect(body.delivered).toBeLessThan(content.byteLength)
  expect(lendable(buffers)).toBe(8)
})

test.for([0, 1_000_000, 6_000_000])('a body that fails at byte %i breaks the connection off', async (failAt) => {
  const content = bytesOf(8 * MIB)
  const { socket, buffers, sent } = await request(new Body(content, failAt), content.byteLength)
  const bytes = await received(socket)
  await sent
  expect(bytes.byteLength).toBeLessThan(content.byteLength)
  expect(bytes.equals(content.subarray(0, bytes.byteLength))).toBe(true)
  expect(lendable(buffers)).toBe(8)
})

test('a body is sent without buffers when others have them all', async () => {
  const content = bytesOf(3 * MIB)
  const body = new Body(content)
  const { socket, buffers, sent } = await request(body, content.byteLength)
  lendable(buffers)
  expect((await received(socket)).equals(content)).toBe(true)
  await sent
  expect(body.fills).toBeLessThanOrEqual(1)
})

test('a hive server sends a large entry, ranges of it, and the head alone', async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 100_000 }))
  const content = bytesOf(4 * MIB)
  await bytesSource(content).stream().pipeTo(hive.sink('x'))
  const server = await startHiveServer(hive, {
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
    graceMs: 0,
  })
  onTestFinished(() => server.close())
  const get = async (range?: string): Promise<Buffer> => {
    const response = await fetch(`${server.url}x`, { headers: range === undefined ? {} : { Range: range } })
    expect(response.status).toBe(range === undefined ? 200 : 206)
    return Buffer.from(await response.arrayBuffer())
  }
  expect((await get()).equals(content)).toBe(true)
  expect((await get('bytes=99999-3500000')).equals(content.subarray(99_999, 3_500_001))).toBe(true)
  const several = await get('bytes=5-1000004, 2000000-2999999')
  for (const start of [5, 2_000_000])
    expect(several.includes(Buffer.from(content.subarray(start, start + 1_000_000)))).toBe(true)
  const head = await fetch(`${server.url}x`, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe(String(content.byteLength))
  expect(await head.text()).toBe('')
})
