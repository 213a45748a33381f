import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, request as httpRequest, type RequestListener } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { comb, COMB_MAIN, serveComb, startComb, temporaryDirectory } from '../support/comb.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

/** Runs `comb`, which must fail with one line. Returns the line without its prefix. */
async function failure(args: readonly string[], code: number, env: Record<string, string> = {}): Promise<string> {
  const result = await comb(args, { env })
  expect({ args, code: result.code, stdout: result.stdout.toString() }).toEqual({ args, code, stdout: '' })
  expect(result.stderr).toMatch(/^comb: [^\n]+\n$/)
  return result.stderr.slice('comb: '.length, -1)
}

describe('`comb` exits with 2 and one line when the command line is invalid:', () => {
  test.each([
    [['get', 'hive'], "missing required argument 'alias'"],
    [['ls'], "missing required argument 'hive'"],
    [['put', 'hive', 'x'], "missing required argument 'file'"],
    [['rm', 'hive', 'x', 'y'], "too many arguments for 'rm'. Expected 2 arguments but got 3: hive, x, y."],
    [['pot', 'hive'], "unknown command 'pot' (Did you mean put?)"],
    [['ls', 'hive', '--perfix', 'x'], "unknown option '--perfix' (Did you mean --prefix?)"],
    [['get', 'hive', 'x', '--range', '9-4'], 'a range must be A-B, A- or -N, got 9-4'],
    [['get', 'hive', 'x', '--range', '1-2,4-5'], 'a range must be A-B, A- or -N, got 1-2,4-5'],
    [['stat', 'hive', 'a/../b'], 'an alias must not have a segment . or .., got "a/../b"'],
    [['stat', 'hive', ''], 'an alias must not be empty, got ""'],
    [['put', 'hive', 'x', '-', '--type', 'video'], 'type must be a media type of at most 255 characters, got "video"'],
    [['put', 'hive', 'x', '-', '--if-match', 'é'], 'not an etag: é'],
    [
      ['put', 'hive', 'x', '-', '--if-none-match', 'abc'],
      "option '--if-none-match <etag>' argument 'abc' is invalid. Allowed choices are *.",
    ],
    [['ls', 'ftp://host/'], 'a hive must be a directory or an http(s) URL, got ftp://host/'],
    [['ls', 'http://'], 'not a URL: http://'],
    [['ls', 'http://me:secret@host/'], 'a URL must not contain a user name or password: use a token'],
    [['serve', '--port', '65536'], 'a port must be from 0 to 65535, got 65536'],
    [['serve', '--port', 'http'], 'a port must be from 0 to 65535, got http'],
    [['serve', '--grace', '-1'], 'the grace period must be from 0 to 86400 seconds, got -1'],
    [['serve', '--grace', '86400.001'], 'the grace period must be from 0 to 86400 seconds, got 86400.001'],
    [
      ['serve', '--allow-host', 'https://hive.example'],
      'a host must be like hive.example:8080, got https://hive.example',
    ],
    [['ls', 'hive', '--token', 'nö honey'], 'a token must consist of printable ASCII characters without spaces'],
    [['serve', '--token', 'two\nlines'], 'a token must consist of printable ASCII characters without spaces'],
    [['ls', 'hive', '--prefix', '\ufffd'], 'an argument is not valid UTF-8, or contains U+FFFD'],
    [['serve', '--grace', '1h'], 'the grace period must be from 0 to 86400 seconds, got 1h'],
    [
      ['serve', '--host', '0.0.0.0'],
      'other machines can reach 0.0.0.0: set COMB_TOKEN or use --token to restrict access',
    ],
    [
      ['serve', '--allow-origin', 'https://page.example/'],
      'an origin must be like https://page.example, without a path, got https://page.example/',
    ],
    [['serve', '--host', '::', '--token', ''], 'an empty token would let everybody in'],
  ])('%j', async (args, line) => {
    expect(await failure(args, 2)).toBe(line)
  })

  test('no arguments', async () => {
    const { code, stdout, stderr } = await comb([])
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: comb')
  })
})

test('`comb` prints its help and its version', async () => {
  const version = await comb(['--version'])
  expect(version).toMatchObject({ code: 0, stderr: '' })
  expect(version.stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/)
  for (const command of ['serve', 'put', 'get', 'ls', 'stat', 'rm']) {
    const help = await comb([command, '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout.toString()).toMatch(new RegExp(`\\nExample:\\n  comb ${command} [^\\n]+\\n$`))
  }
})

describe('`comb` exits with 1 and one line when it fails:', () => {
  test('a directory that is not a hive, which is left alone', async () => {
    const directory = temporaryDirectory()
    const hive = join(directory, 'hive')
    mkdirSync(hive)
    writeFileSync(join(hive, 'diary.txt'), '')
    const line = `${hive} is not a hive: it has other things in it, such as diary.txt`
    for (const args of [
      ['put', hive, 'x', '-'],
      ['ls', hive],
      ['serve', hive, '--port', '0'],
    ]) {
      expect(await failure(args, 1)).toBe(line)
    }
    expect(readdirSync(hive)).toEqual(['diary.txt'])
    expect(await failure(['ls', join(hive, 'diary.txt')], 1)).toMatch(
      /diary\.txt is not a hive: it is not a directory$/,
    )
  })

  test('files that cannot be read or written', async () => {
    const directory = temporaryDirectory()
    const hive = join(directory, 'hive')
    await storeEntry(hive, 'x', 'bytes')
    const nothing = join(directory, 'nothing')
    expect(await failure(['put', hive, 'y', nothing], 1)).toBe(`no such file or directory: ${nothing}`)
    expect(await failure(['put', hive, 'y', directory], 1)).toBe(`it is a directory: ${directory}`)
    expect(await failure(['get', hive, 'x', directory], 1)).toBe(`it is a directory: ${directory}`)
    const deep = join(nothing, 'file')
    expect(await failure(['get', hive, 'x', deep], 1)).toBe(`no such file or directory: ${deep}`)
    const strange = join(hive, 'nothing\n\u001b[31m')
    expect(await failure(['put', hive, 'y', strange], 1)).toContain('nothing\\u{a}\\u{1b}[31m')
    expect((await comb(['ls', hive])).stdout.toString()).toBe('x\n')
  })

  test.runIf(process.platform === 'linux')('a full disk', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', 'bytes')
    expect(await failure(['get', hive, 'x', '/dev/full'], 1)).toBe('no space left on the disk')
  })

  test.runIf(process.platform === 'linux')('a disk that accepts no more bytes, and nothing is stored', async () => {
    const hive = join(temporaryDirectory(), 'hive')
    await storeEntry(hive, 'x', 'bytes')
    // Files of at most 512 kB: a block is larger, a row is not.
    const shell = ['-c', `trap '' XFSZ; ulimit -f 500; exec "$@"`, 'bash', process.execPath, COMB_MAIN]
    const served = startComb(['serve', hive, '--port', '0'], { command: ['bash', ...shell] })
    const [line] = (await once(served.child.stdout, 'data')) as [Buffer]
    const url = line.toString().trim()
    const input = randomBytes(2_500_000)
    for (const [place, words] of [
      [hive, /^comb: cannot store object [\w.]+: the file would be too large\n$/],
      [url, /^comb: [^\n]*the storage of the hive failed\n$/],
    ] as const) {
      const result = await startComb(['put', place, 'y', '-'], { command: ['bash', ...shell], input }).result
      expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(words) as string })
    }
    expect((await comb(['ls', hive])).stdout.toString()).toBe('x\n')
    served.child.kill('SIGTERM')
    expect((await served.result).stderr).toMatch(/^(comb: cannot store object [\w.]+: the file would be too large\n)+$/)
  })

  test('a server that is unreachable, or does not speak the protocol', async () => {
    expect(await failure(['rm', 'http://127.0.0.1:9/', 'x'], 1)).toMatch(/^no answer from 127\.0\.0\.1:9: /)
    const garbled = createServer((socket) => {
      socket.on('error', () => undefined).end('nonsense\r\n\r\n', () => socket.destroy())
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void garbled.close())
    await once(garbled, 'listening')
    const { port } = garbled.address() as AddressInfo
    expect(await failure(['rm', `http://127.0.0.1:${port}/`, 'x'], 1)).toMatch(/^no answer from 127\.0\.0\.1:\d+: /)
  })

  test('a whole entry whose bytes the connection has changed', async () => {
    const directory = temporaryDirectory()
    const { url } = await serveComb(join(directory, 'hive'))
    const bytes = randomBytes(2_500_000)
    await comb(['put', url, 'x', '-'], { input: bytes })
    for (const position of [0, 1_234_567, 2_499_999]) {
      const changing = await flippingServer(url, position)
      const file = join(directory, 'file')
      writeFileSync(file, 'old')
      const line = 'the bytes of the entry arrived changed: x'
      expect(await failure(['get', changing, 'x', file], 1)).toBe(line)
      expect(readdirSync(directory).sort()).toEqual(['file', 'hive'])
      expect(readFileSync(file, 'utf8')).toBe('old')
      expect(await failure(['get', changing, 'x', file, '--range', '0-'], 1)).toBe(line)
      // Bytes that have been written cannot be taken back, but the error is reported.
      const { code, stderr } = await comb(['get', changing, 'x'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: `comb: ${line}\n` })
      expect(await comb(['get', url, 'x', file])).toMatchObject({ code: 0, stderr: '' })
      expect(readFileSync(file).equals(bytes)).toBe(true)
    }
  })

  test('a port that is in use', async () => {
    const directory = temporaryDirectory()
    const { url } = await serveComb(join(directory, 'hive'))
    const { port } = new URL(url)
    expect(await failure(['serve', join(directory, 'other'), '--port', port], 1)).toBe(
      `the address is already in use: 127.0.0.1:${port}`,
    )
  })

  test('a token that is missing or wrong', async () => {
    const { url } = await serveComb(join(temporaryDirectory(), 'hive'), [], { env: { COMB_TOKEN: 'honey' } })
    const put = ['put', url, 'x', '-']
    for (const args of [put, [...put, '--token', 'money'], ['ls', url], ['get', url, 'x']]) {
      expect(await failure(args, 1)).toMatch(/401.*: a token is required; set COMB_TOKEN or use --token$/)
    }
    expect(await comb([...put, '--token', 'honey'])).toMatchObject({ code: 0, stderr: '' })
    expect(await comb(['get', url, 'x'], { env: { COMB_TOKEN: 'honey' } })).toMatchObject({ code: 0, stderr: '' })
  })
})

/**
 * Starts a server that forwards the answers of another one, but flips a bit in one byte of each entry. Returns its URL.
 */
async function flippingServer(url: string, position: number): Promise<string> {
  const passOn: RequestListener = (request, response) => {
    const { host: _, ...headers } = request.headers
    const { hostname, port } = new URL(url)
    httpRequest({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      let offset = Number(/^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1] ?? 0)
      answer.on('data', (chunk: Buffer) => {
        const index = position - offset
        if (index >= 0 && index < chunk.length) chunk[index]! ^= 0x10
        offset += chunk.length
        response.write(chunk)
      })
      answer.on('end', () => response.end())
    }).end()
  }
  const server = createHttpServer(passOn).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
