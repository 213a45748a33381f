import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { comb, NODE_22, type ServingComb, serveComb, startComb, temporaryDirectory } from '../support/comb.ts'
import { wholeOr } from '../support/sample.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes, soon } from '../support/streams.ts'

/** Opens a raw connection and sends a request. It does nothing else that a client does. */
async function open(url: string, request: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // Most of these tests cut the connection.
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(request.replace(/\n/g, '\r\n').replace('HOST', `${hostname}:${port}`))
  return socket
}

/** Downloads the entry completely. Returns the length of the answer. */
async function download(url: string): Promise<number> {
  const socket = await open(url, GET.replace('\n\n', '\nConnection: close\n\n'))
  let byteLength = 0
  socket.on('data', (chunk: Buffer) => (byteLength += chunk.byteLength))
  await once(socket, 'end')
  return byteLength
}

/** Resolves when the server refuses connections. */
async function refusal(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  for (let isOpen = true; isOpen;) {
    const socket = connect(Number(port), hostname)
    isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
  }
}

const PUT = 'PUT /x HTTP/1.1\nHost: HOST\n'
const GET = 'GET /x HTTP/1.1\nHost: HOST\n\n'

async function namesIn(hive: string): Promise<string> {
  const { code, stdout, stderr } = await comb(['ls', hive])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.toString()
}

async function stop({ child, result }: ServingComb, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  child.kill(signal)
  expect(await soon(result, 'the end of the server')).toMatchObject({ code: 0, signal: null })
}

describe.each([
  ['SIGTERM', 'Node 24', process.execPath],
  ['SIGINT', 'Node 22', NODE_22],
] as const)('%s on %s', (signal, _, node) => {
  test('ends an idle `comb serve`', async () => {
    const server = await serveComb(join(temporaryDirectory(), 'hive'), [], { node })
    await stop(server, signal)
    expect((await server.result).stderr).toBe('')
  })

  test('ends `comb serve`, whatever its clients do', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    const bytes = randomBytes(20_000_000)
    await storeEntry(hive, 'x', bytes)
    const server = await serveComb(hive, [], { node })
    const slowDownload = await open(server.url, GET)
    const slowUpload = await open(server.url, `${PUT}Content-Length: 100000000\n\n`)
    const idle = await open(server.url, GET.replace('GET', 'HEAD'))
    const silent = await open(server.url, '')
    await once(slowDownload, 'readable')
    // More than the buffers of both ends hold, so the server has read some of it.
    await new Promise((resolve) => slowUpload.write(randomBytes(30_000_000, 2), resolve))
    await once(idle, 'data')

    await stop(server, signal)
    expect((await server.result).stderr).toBe('')
    silent.resume()
    // Neither the cut download nor the cut upload passed for a whole entry.
    const { stdout } = await comb(['get', hive, 'x'])
    expect(stdout.equals(bytes)).toBe(true)
  })

  test('lets a transfer finish within the grace period', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    const server = await serveComb(hive, ['--grace', '3600'], { node })
    const upload = await open(server.url, `${PUT}Content-Length: 4\nExpect: 100-continue\n\n`)
    await once(upload, 'data')
    upload.write('ab')
    const stopped = stop(server, signal)
    await soon(refusal(server.url), 'the server to take no more connections')
    upload.write('cd')
    const [answer] = (await soon(once(upload, 'data'), 'the answer')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 201 /)
    await stopped
    expect((await comb(['get', hive, 'x'])).stdout.toString()).toBe('abcd')
  })
})

test('a second signal ends `comb serve` at once', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  const { child, result, url } = await serveComb(hive, ['--grace', '3600'])
  const upload = await open(url, `${PUT}Content-Length: 4\nExpect: 100-continue\n\n`)
  await once(upload, 'data')
  child.kill('SIGINT')
  await soon(refusal(url), 'the server to take no more connections')
  child.kill('SIGTERM')
  expect(await soon(result, 'the end of the server')).toMatchObject({ code: null, signal: 'SIGTERM' })
})

const NODES: readonly (readonly [string, string])[] = [
  ['Node 24', process.execPath],
  ['Node 22', NODE_22],
]

/** The servers of all other tests run on Node 24. */
describe.each(wholeOr(NODES, NODES.slice(1)))('`comb serve` on %s', (_, node) => {
  test('stores nothing of an upload that breaks off, however it breaks off', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    const server = await serveComb(hive, ['--log'], { node })
    const half = randomBytes(3_000_000)
    const chunk = `${half.byteLength.toString(16)}\r\n`
    for (const [headers, end] of [
      ['Content-Length: 6000000', 'resetAndDestroy'],
      ['Content-Length: 6000000', 'end'],
      ['Transfer-Encoding: chunked', 'resetAndDestroy'],
      ['Transfer-Encoding: chunked', 'end'],
    ] as const) {
      const socket = await open(server.url, `${PUT}${headers}\n\n`)
      if (headers.startsWith('T')) socket.write(chunk)
      await new Promise<void>((resolve) => socket.write(half, () => resolve()))
      socket.resume()
      socket[end]()
      await once(socket, 'close')
      expect(await namesIn(server.url)).toBe('')
    }
    // As fast as sockets go, so the body breaks off at many different places.
    for (let i = 0; i < 30; i++) {
      const socket = await open(server.url, `${PUT}Content-Length: 6000000\n\n`)
      socket.write(half)
      setTimeout(() => socket.resetAndDestroy(), i)
      await once(socket, 'close')
    }
    expect(await namesIn(server.url)).toBe('')
    await stop(server)
    expect(await namesIn(hive)).toBe('')
    expect((await server.result).stderr).not.toContain('comb:')
  })

  test('stops reading for a client that disconnects or stops reading', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', randomBytes(50_000_000))
    const server = await serveComb(hive, ['--log'], { node })
    for (const end of ['resetAndDestroy', 'destroy'] as const) {
      const socket = await open(server.url, GET)
      await once(socket, 'readable')
      // Another client receives all of it in the same time.
      expect(await soon(download(server.url), 'another download')).toBeGreaterThan(50_000_000)
      socket[end]()
    }
    await expect.poll(() => server.stderr().trim().split('\n')).toHaveLength(4)
    await stop(server)
    const lines = (await server.result).stderr.trim().split('\n')
    const sent = lines.map((line) => Number(/ 200 read x received=0 sent=(\d+)$/.exec(line)?.[1]))
    sent.sort((a, b) => a - b)
    expect(sent.slice(2)).toEqual([50_000_000, 50_000_000])
    // No more than the buffers of both ends hold.
    for (const byteLength of sent.slice(0, 2)) expect(byteLength).toBeLessThan(25_000_000)
  })

  test('survives input that is not HTTP, and input that arrives too early', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', 'bytes')
    const server = await serveComb(hive, [], { node })
    for (const request of [
      '\u0016\u0003\u0001',
      'GET / HTTP/9\n\n',
      'GET x HTTP/1.1\nHost: HOST\n\n',
      `${PUT}Content-Length: -1\n\n`,
    ]) {
      const socket = await open(server.url, request)
      socket.resume().end()
      await soon(once(socket, 'close'), `the answer to ${request}`)
    }
    // The request is refused before its body has been read, and the answer arrives anyway.
    const refused = await open(server.url, `${PUT}If-None-Match: *\nContent-Length: 100000000\n\n`)
    refused.write(randomBytes(3_000_000))
    const [answer] = (await soon(once(refused, 'data'), 'the refusal')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 412 /)
    expect((await comb(['get', server.url, 'x'])).stdout.toString()).toBe('bytes')
    await stop(server)
    expect((await server.result).stderr).toBe('')
  })

  test('breaks off when the disk fails, reports it, and keeps serving', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', randomBytes(3_500_000))
    const server = await serveComb(hive, [], { node })
    const blocks = readdirSync(join(hive, 'blocks'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    truncateSync(blocks.at(-1)!, 100)
    const socket = await open(server.url, GET)
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.byteLength))
    await soon(once(socket, 'close'), 'the end of the connection')
    expect(received).toBeLessThan(3_500_000)
    const { code, stderr } = await comb(['get', server.url, 'x', join(hive, '..', 'file')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^comb: [^\n]+\n$/)
    expect(await namesIn(server.url)).toBe('x\n')
    await stop(server)
    expect((await server.result).stderr).toMatch(/^(comb: [^\n]+\n)+$/)
  })
})

test('`comb serve` refuses pages that use another host name, and accepts those that are allowed', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  const { url } = await serveComb(hive, ['--allow-host', 'Hive.Example:80', '--allow-origin', 'https://page.example'])
  const status = async (host: string): Promise<number> => {
    const socket = await open(url, `GET / HTTP/1.1\nHost: ${host}\nConnection: close\n\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return Number(answer.toString().split(' ')[1])
  }
  const { port } = new URL(url)
  expect(await status('rebound.example')).toBe(421)
  expect(await status(`rebound.example:${port}`)).toBe(421)
  for (const host of ['HOST', `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'hive.example']) {
    expect([host, await status(host)]).toEqual([host, 200])
  }
  const put = (origin: string) => fetch(`${url}x`, { method: 'PUT', body: 'x', headers: { Origin: origin } })
  expect((await put('https://elsewhere.example')).status).toBe(403)
  const welcome = await put('https://page.example')
  expect([welcome.status, welcome.headers.get('access-control-allow-origin')]).toEqual([201, 'https://page.example'])
})

test('`comb serve` keeps serving when its output is closed', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  await storeEntry(hive, 'a name', 'bytes')
  const server = await serveComb(hive, ['--log'])
  await fetch(`${server.url}a%20name`).then((answer) => answer.text())
  await expect.poll(() => server.stderr()).toMatch(/ 200 read a%20name received=0 sent=5\n$/)
  server.child.stderr.destroy()
  for (let i = 0; i < 5; i++) expect((await fetch(`${server.url}a%20name`)).status).toBe(200)
  await stop(server)
})

/** With all of them, a process would hold more than it may. */
const MUCH_BYTES = wholeOr(256_000_000, 160_000_000)

test.runIf(process.platform === 'linux')('`comb` moves much in little memory', async () => {
  const directory = temporaryDirectory()
  const hive = join(directory, 'hive')
  const server = await serveComb(hive)
  const size = MUCH_BYTES
  const peakMb = (pid: number | undefined): number =>
    (Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024) / 1e6
  const put = startComb(['put', server.url, 'x', '-'])
  const piece = randomBytes(1_000_000)
  for (let sent = 0; sent < size; sent += piece.byteLength) {
    piece[0] = sent / piece.byteLength
    await new Promise((resolve) => put.child.stdin.write(piece, resolve))
  }
  // By now it has read everything except what a pipe holds.
  const putMb = peakMb(put.child.pid)
  put.child.stdin.end()
  expect(await put.result).toMatchObject({ code: 0, stderr: '' })

  const get = startComb(['get', server.url, 'x'])
  let received = 0
  let getMb = 0
  for await (const chunk of get.child.stdout) {
    received += (chunk as Buffer).byteLength
    if (received > size * 0.99 && getMb === 0) getMb = peakMb(get.child.pid)
  }
  expect({ received, ...(await get.result) }).toMatchObject({ received: size, code: 0, stderr: '' })
  const downloads = await Promise.all([1, 2, 3].map(() => open(server.url, GET)))
  await Promise.all(downloads.map((socket) => once(socket, 'readable')))
  // While another client receives all of it, the server sends these clients as much as it ever will.
  expect(await soon(download(server.url), 'another download')).toBeGreaterThan(size)
  const memory = { putMb, getMb, serverMb: peakMb(server.child.pid) }
  // A bare thread takes some 20 MB.
  for (const [name, mb] of Object.entries(memory)) expect(mb, name).toBeLessThan(name === 'serverMb' ? 220 : 200)
})
