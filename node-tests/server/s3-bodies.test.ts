import { afterEach, describe, expect, it, vi } from 'vitest'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { s3Blocks } from '../../src/backends/s3.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import type { Blocks } from '../../src/store.ts'
import { difference } from '../support/jobs.ts'
import { CREDENTIALS } from '../support/s3-answers.ts'
import { randomBytes } from '../support/streams.ts'

const STORED = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
/** More than a socket holds, so that the rest is still in memory when the answer comes. */
const LONG_BYTES = 32_000_000
/** Not in the bodies of these tests. */
const OTHER_BYTE = 0xff

/** A server that lets a test read what was sent, byte by byte. */
class Listener {
  readonly #server: Server
  readonly #sockets: Socket[] = []

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.push(socket)
      socket.on('error', () => undefined)
    })
  }

  async listen(): Promise<Blocks> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const endpoint = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return s3Blocks({ endpoint, bucket: 'bucket', credentials: CREDENTIALS }).blocks
  }

  /** The next connection, which has sent the head of a request. */
  async accept(): Promise<{ readonly socket: Socket; readonly head: string; readonly begun: Buffer }> {
    const [socket] = (await once(this.#server, 'connection')) as [Socket]
    let got = Buffer.alloc(0)
    while (!got.includes('\r\n\r\n')) got = Buffer.concat([got, await nextPiece(socket)])
    const end = got.indexOf('\r\n\r\n')
    return { socket, head: got.subarray(0, end).toString('latin1'), begun: got.subarray(end + 4) }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Reads a piece, and little more than that. */
async function nextPiece(socket: Socket): Promise<Buffer> {
  for (;;) {
    const piece = socket.read() as Buffer | null
    if (piece) return piece
    await once(socket, 'readable')
  }
}

/** Bytes none of which is the other one. */
function plainBytes(byteLength: number): Uint8Array<ArrayBuffer> {
  return randomBytes(byteLength).map((byte) => (byte === OTHER_BYTE ? 0 : byte))
}

let listener: Listener | undefined
afterEach(() => listener?.close())

describe('the body of a put', () => {
  it.each([1, 1000, 1_000_000])('of %i bytes is sent whole, with its length and its digest', async (byteLength) => {
    listener = new Listener()
    const blocks = await listener.listen()
    // As a view, too: blocks are views of buffers.
    for (const [name, bytes] of [
      ['o.whole', randomBytes(byteLength)],
      ['o.view', randomBytes(byteLength + 9).subarray(4, 4 + byteLength)],
    ] as const) {
      const accepted = listener.accept()
      const put = blocks.put(name, bytes)
      const { socket, head, begun } = await accepted
      expect(head).toMatch(new RegExp(`^PUT /bucket/${name} HTTP/1.1\r\n`))
      expect(head).toMatch(new RegExp(`^content-length: ${byteLength}\r?$`, 'im'))
      expect(head).not.toMatch(/^transfer-encoding:/im)
      expect(head).toMatch(new RegExp(`^x-amz-content-sha256: ${toHex(await sha256(bytes.slice()))}\r?$`, 'im'))
      let body = begun
      while (body.byteLength < byteLength) body = Buffer.concat([body, await nextPiece(socket)])
      socket.end(STORED.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
      await put
      expect(difference(new Uint8Array(body), bytes)).toBeUndefined()
    }
  })

  // Deno reads no answer before all has been sent.
  it.skipIf('Deno' in globalThis)(
    'is not sent any more once the put has settled, since its memory may serve another one',
    async () => {
      listener = new Listener()
      const blocks = await listener.listen()
      const enough = new AbortController()
      const endings = [
        // It has stored nothing yet, and says that it has.
        ({ socket }: { socket: Socket }): unknown => socket.write(STORED),
        ({ socket }: { socket: Socket }): unknown => socket.write(STORED.replace('200 OK', '503 Slow Down')),
        (): unknown => enough.abort('enough'),
      ]
      for (const end of endings) {
        const bytes = plainBytes(LONG_BYTES)
        const accepted = listener.accept()
        const put = blocks.put('o.01', bytes, { signal: enough.signal }).catch(() => undefined)
        const connection = await accepted
        end(connection)
        await put
        bytes.fill(OTHER_BYTE)
        const { socket, begun } = connection
        let hasOther = begun.includes(OTHER_BYTE)
        let byteLength = begun.byteLength
        await new Promise<void>((resolve) => {
          socket.once('close', resolve)
          socket.on('data', (piece: Buffer) => {
            hasOther ||= piece.includes(OTHER_BYTE)
            byteLength += piece.byteLength
            // A host that has a copy sends all of it.
            if (byteLength === LONG_BYTES) resolve()
          })
        })
        expect(hasOther).toBe(false)
      }
    },
  )

  it('is a stream for the fetch of Node, which would copy an array, and an array for any other', async () => {
    const bodies: unknown[] = []
    const take: typeof fetch = (_, init) => {
      bodies.push(init?.body)
      return Promise.resolve(new Response(null))
    }
    vi.stubGlobal('fetch', take)
    try {
      const options = { endpoint: 'http://127.0.0.1', bucket: 'bucket', credentials: CREDENTIALS }
      for (const fetch of [undefined, (...call: Parameters<typeof take>) => take(...call)]) {
        await s3Blocks({ ...options, fetch }).blocks.put('o.01', new Uint8Array(10))
      }
    } finally {
      vi.unstubAllGlobals()
    }
    const isNode = !('Deno' in globalThis || 'Bun' in globalThis)
    expect(bodies.map((body) => body instanceof Uint8Array)).toEqual([!isNode, true])
  })
})
