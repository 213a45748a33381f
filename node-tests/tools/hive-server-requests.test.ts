import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type HiveServerOptions, startHiveServer } from '../../src/cli/hive-server.ts'
import { bytesSource } from '../../src/index.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { randomBytes, soon } from '../support/streams.ts'

async function start(options: Partial<HiveServerOptions> = {}) {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  const { url, close } = await startHiveServer(hive, {
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
    graceMs: 0,
    ...options,
  })
  onTestFinished(close)
  const { hostname, port, host } = new URL(url)
  const open = async (request = ''): Promise<Conversation> => {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    const conversation = new Conversation(socket, host)
    conversation.send(request)
    return conversation
  }
  const names = async (): Promise<string[]> => (await hive.list()).entries.map(({ alias }) => alias)
  return { hive, url, open, names }
}

/** Both sides of a connection, as text. */
class Conversation {
  heard = ''
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #host: string
  #onData: () => void = () => undefined

  constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('data', (chunk) => {
      this.heard += chunk.toString('latin1')
      this.#onData()
    })
    // Some of these tests cut the connection.
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#onData()
        resolve()
      })
    })
  }

  /** Sends lines. HOST stands for the host and port of the server. */
  send(lines: string): void {
    this.#socket.write(lines.replaceAll('\n', '\r\n').replaceAll('HOST', this.#host))
  }

  /** Resolves when this text has arrived. */
  async hears(text: string | RegExp): Promise<void> {
    const isHeard = (): boolean => (typeof text === 'string' ? this.heard.includes(text) : text.test(this.heard))
    while (!isHeard()) {
      if (this.#socket.destroyed) throw new Error(`closed after: ${this.heard}`)
      await soon(
        new Promise<void>((resolve) => {
          this.#onData = resolve
        }),
        String(text),
      )
    }
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.heard)?.[1])
  }
}

const PUT = 'PUT /x HTTP/1.1\nHost: HOST\n'

describe('a client that stops sending', () => {
  for (const [what, head] of [
    ['before its request', ''],
    ['within the request line', 'GE'],
    ['within the head', 'GET / HTTP/1.1\nHost: HOST\nX'],
    ['at the end of the head', 'GET / HTTP/1.1\nHost: HOST\n'],
    ['within the head of a second request', 'GET / HTTP/1.1\nHost: HOST\n\nGET /a'],
  ] as const) {
    test(`${what} is cut off, with 408`, async () => {
      const { open } = await start({ headMs: 200 })
      const client = await open(head)
      await soon(client.closed, 'the end of the connection')
      expect(client.heard).toMatch(/HTTP\/1\.1 408 /)
    })
  }

  test('within the head is cut off even if it sends a byte now and then', async () => {
    const { open } = await start({ headMs: 300 })
    const client = await open('GET / HTTP/1.1\nHost: HOST\nX-Slow: ')
    const drip = setInterval(() => client.send('x'), 20)
    onTestFinished(() => clearInterval(drip))
    await soon(client.closed, 'the end of the connection')
    expect(client.status).toBe(408)
  })

  for (const [what, head, body] of [
    ['before the first byte of a body', `${PUT}Content-Length: 5\n\n`, ''],
    ['within a body', `${PUT}Content-Length: 5\n\n`, 'abc'],
    ['within a chunked body', `${PUT}Transfer-Encoding: chunked\n\n`, '3\nabc\n'],
    ['within a chunk', `${PUT}Transfer-Encoding: chunked\n\n`, '5\nabc'],
    ['before the end of a chunked body', `${PUT}Transfer-Encoding: chunked\n\n`, '5\nabcde\n'],
  ] as const) {
    test(`${what} gets 408, and nothing is stored`, async () => {
      const { open, names } = await start({ silenceMs: 100 })
      const client = await open(head + body)
      await client.hears('\r\n\r\n{')
      expect(client.status).toBe(408)
      expect(await names()).toEqual([])
      await soon(client.closed, 'the end of the connection')
    })
  }
})

describe('an ambiguous request', () => {
  for (const coding of ['gzip, chunked', 'gzip\nTransfer-Encoding: chunked', 'identity, chunked', 'GZIP,chunked']) {
    test(`is refused: Transfer-Encoding: ${coding.replace('\n', ', ')}`, async () => {
      const { open, names } = await start()
      const client = await open(`${PUT}Transfer-Encoding: ${coding}\n\n3\nabc\n0\n\n`)
      await client.hears('\r\n\r\n')
      expect(client.status).toBe(501)
      expect(await names()).toEqual([])
    })
  }

  for (const coding of [
    'chunked, gzip',
    'chunked, chunked',
    'chunked\nContent-Length: 3',
    'identity',
    'xchunked',
    'chunked;q=1',
    '',
  ]) {
    test(`is refused by Node: Transfer-Encoding: ${coding.replace('\n', ', ')}`, async () => {
      const { open, names } = await start()
      const client = await open(`${PUT}Transfer-Encoding: ${coding}\n\n3\nabc\n0\n\n`)
      await client.hears('\r\n\r\n')
      expect(client.status).toBe(400)
      expect(await names()).toEqual([])
    })
  }

  test('is accepted with Transfer-Encoding: Chunked', async () => {
    const { open, hive } = await start()
    const client = await open(`${PUT}Transfer-Encoding: Chunked\n\n3\nabc\n0\n\n`)
    await client.hears(' 201 ')
    expect((await hive.stat('x')).size).toBe(3)
  })

  for (const hosts of [
    'HOST\nHost: other',
    'other\nHost: HOST',
    'HOST\nHost: HOST',
    'HOST, HOST',
    'HOST\nhOST: HOST',
  ]) {
    for (const token of [undefined, 'secret']) {
      test(`is refused ${token ? 'with' : 'without'} a token: Host: ${hosts.replace('\n', ', ')}`, async () => {
        const { open, names } = await start({ token })
        const rights = token ? `Authorization: Bearer ${token}\n` : ''
        const client = await open(`PUT /x HTTP/1.1\nHost: ${hosts}\n${rights}Content-Length: 3\n\nabc`)
        await client.hears('\r\n\r\n')
        expect(client.status).toBe(400)
        expect(await names()).toEqual([])
      })
    }
  }
})

describe('Expect: 100-continue', () => {
  const EXPECT = 'Content-Length: 3\nExpect: 100-continue\n'

  test('is answered with 100 once the body is read', async () => {
    const { open, hive } = await start()
    const client = await open(`${PUT}${EXPECT}\n`)
    await client.hears('HTTP/1.1 100 Continue\r\n\r\n')
    expect(client.heard).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('abc')
    await client.hears('HTTP/1.1 201 ')
    expect((await hive.stat('x')).size).toBe(3)
    // The connection stays open.
    client.send('HEAD /x HTTP/1.1\nHost: HOST\n\n')
    await client.hears('HTTP/1.1 200 ')
  })

  for (const [what, fields, options, status] of [
    ['of a condition', 'If-None-Match: *\n', {}, 412],
    ['of another condition', 'If-Match: "other"\n', {}, 412],
    ['of rights', '', { token: 'secret' }, 401],
    ['of its origin', 'Origin: https://page.example\n', {}, 403],
    ['of its coding', 'Content-Encoding: gzip\n', {}, 415],
    ['it is a part', 'Content-Range: bytes 0-2/9\n', {}, 400],
  ] as const) {
    test(`is never answered with 100 when the body is refused because ${what}`, async () => {
      const { open, hive } = await start(options)
      await bytesSource(randomBytes(10)).stream().pipeTo(hive.sink('x'))
      const { etag } = await hive.stat('x')
      const client = await open(`${PUT}${fields}${EXPECT}\n`)
      await soon(client.closed, 'the end of the connection')
      expect(client.status).toBe(status)
      expect(client.heard).not.toContain('100 Continue')
      expect((await hive.stat('x')).etag).toBe(etag)
    })
  }

  test('is not answered with 100 if the request has no body to be read', async () => {
    const { open } = await start()
    const client = await open(`GET / HTTP/1.1\nHost: HOST\n${EXPECT}\n`)
    await soon(client.closed, 'the end of the connection')
    expect(client.status).toBe(200)
  })

  test('with another value gets 417', async () => {
    const { open } = await start()
    const client = await open(`${PUT}Content-Length: 3\nExpect: honey\n\n`)
    await client.hears('\r\n\r\n')
    expect(client.status).toBe(417)
  })
})
