import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { comb, combInProcess, COMB_MAIN, serveComb, startComb, temporaryDirectory } from '../support/comb.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { HANG_MS, randomBytes, soon } from '../support/streams.ts'

/** Writes more than a block, but not the end, to a process. Resolves when it has read nearly all and waits for more. */
async function takesInput({ stdin }: ChildProcessWithoutNullStreams): Promise<void> {
  const taken = new Promise<void>((resolve) => void stdin.write(randomBytes(1_500_000), () => resolve()))
  await soon(taken, 'the process to take its input')
}

test.each([
  ['SIGINT', 130, 'a directory'],
  ['SIGINT', 130, 'a server'],
  ['SIGTERM', 143, 'a directory'],
  ['SIGHUP', 129, 'a directory'],
] as const)('%s ends `comb put` with %i, and nothing is stored in %s', async (signal, code, place) => {
  const directory = join(temporaryDirectory(), 'hive')
  await storeEntry(directory, 'x', 'old')
  const hive = place === 'a server' ? (await serveComb(directory)).url : directory
  const { child, result } = startComb(['put', hive, 'x', '-'])
  await takesInput(child)
  child.kill(signal)
  expect(await soon(result, 'the end of the process')).toMatchObject({ code, signal: null, stderr: '' })
  expect((await comb(['get', hive, 'x'])).stdout.toString()).toBe('old')
})

test('SIGINT ends `comb get` into a pipe that is not read', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  await storeEntry(hive, 'x', randomBytes(3_000_000))
  const { child, result } = startComb(['get', hive, 'x'])
  await once(child.stdout, 'readable')
  child.kill('SIGINT')
  expect(await soon(once(child, 'exit'), 'the end of the process')).toEqual([130, null])
  child.stdout.resume()
  expect((await result).stderr).toBe('')
})

test('SIGINT ends `comb get` into a file, which stays unchanged', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'file')
  writeFileSync(file, 'old')
  const { url, sent } = await halfServer()
  const { child, result } = startComb(['get', url, 'x', file], { input: '' })
  await soon(sent, 'the first half')
  await expect.poll(() => readdirSync(directory).length).toBe(2)
  child.kill('SIGINT')
  expect(await soon(result, 'the end of the process')).toMatchObject({ code: 130, signal: null, stderr: '' })
  expect(readdirSync(directory)).toEqual(['file'])
  expect(readFileSync(file, 'utf8')).toBe('old')
})

test.runIf(process.platform === 'linux').each([
  ['get', 'nobody reads'],
  ['get', 'somebody has stopped to read'],
  ['put', 'nobody writes'],
  ['rdiff', 'nobody writes'],
] as const)('SIGTERM ends `comb %s` with a named pipe that %s', async (command, what) => {
  const directory = temporaryDirectory()
  const [hive, pipe] = [join(directory, 'hive'), join(directory, 'pipe')]
  await storeEntry(hive, 'x', randomBytes(3_000_000))
  await once(spawn('sh', ['-c', 'mkfifo "$0"', pipe]), 'close')
  if (what.startsWith('somebody')) {
    const reader = spawn('sh', ['-c', 'exec sleep 60 <"$0"', pipe])
    onTestFinished(() => void reader.kill())
  }
  const args = { get: ['get', hive, 'x', pipe], put: ['put', hive, 'y', pipe], rdiff: ['rdiff', 's', pipe, 'out'] }
  const { child, result } = startComb(args[command], { cwd: directory, input: '' })
  await expect.poll(() => waitsFor(child.pid!), { timeout: HANG_MS }).toMatch(/fifo|pipe|partner/)
  child.kill('SIGTERM')
  const { code, signal, stderr } = await soon(result, 'the end of the process')
  expect([143, 'SIGTERM']).toContain(code ?? signal)
  expect(stderr).toBe('')
  expect((await comb(['ls', hive])).stdout.toString()).toBe('x\n')
})

test('`comb put` exits when it fails, although its named pipe has no writer', async () => {
  const directory = temporaryDirectory()
  const pipe = join(directory, 'pipe')
  await once(spawn('sh', ['-c', 'mkfifo "$0"', pipe]), 'close')
  writeFileSync(join(directory, 'file'), 'no hive')
  const { code, stderr } = await soon(
    combInProcess(['put', join(directory, 'file'), 'x', pipe]),
    'the end of the process',
  )
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^comb: [^\n]+\n$/) as string })
})

test('a second signal ends `comb` at once', async () => {
  // The sink waits for the answer, and the server for the end of the request. Cleaning up cannot be made to hang, so
  // the process gets both signals while it is stopped.
  const hive = join(temporaryDirectory(), 'hive')
  const { url } = await serveComb(hive)
  const { child, result } = startComb(['put', url, 'x', '-'])
  await takesInput(child)
  child.kill('SIGSTOP')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  child.kill('SIGCONT')
  const { code, signal, stderr } = await soon(result, 'the end of the process')
  expect(stderr).toBe('')
  expect([130, 143, 'SIGINT', 'SIGTERM']).toContain(code ?? signal)
})

test('`comb get` ends quietly when its reader closes the pipe, as `cat` does', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  await storeEntry(hive, 'x', randomBytes(3_000_000))
  for (const command of ['get', 'ls', '--help']) {
    const script = `set -o pipefail; "$0" "$@" | head -c 0; exit \${PIPESTATUS[0]}`
    const child = spawn('bash', [
      '-c',
      script,
      process.execPath,
      COMB_MAIN,
      command,
      hive,
      ...(command === 'get' ? ['x'] : []),
    ])
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect({ stderr, code }).toEqual({ stderr: '', code: 141 })
  }
})

test('`comb get` leaves no file when the server breaks off permanently', async () => {
  const directory = temporaryDirectory()
  const { url } = await halfServer((response) => response.destroy())
  const { code, stderr } = await comb(['get', url, 'x', join(directory, 'file')])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^comb: [^\n]+\n$/)
  expect(readdirSync(directory)).toEqual([])
})

/** Returns the kernel functions in which the threads of a process wait. */
function waitsFor(pid: number): string {
  const threads = `/proc/${pid}/task`
  return readdirSync(threads)
    .map((thread) => readFileSync(`${threads}/${thread}/wchan`, 'utf8'))
    .join(' ')
}

/** Starts a server of an entry of 2,000 bytes that sends the first 1,000 of them and then calls `then`. */
async function halfServer(then?: (response: ServerResponse) => void): Promise<{ url: string; sent: Promise<unknown> }> {
  const server = createServer((request, response) => {
    response.setHeader('ETag', '"a"').setHeader('Content-Length', 2_000)
    if (request.method === 'HEAD') {
      response.end()
    } else if (request.headers.range?.startsWith('bytes=0-')) {
      response.writeHead(206, { 'Content-Range': 'bytes 0-1999/2000' })
      response.write(randomBytes(1_000), () => {
        server.emit('sent')
        then?.(response)
      })
    } else {
      // Requests for the rest get no answer.
      response.destroy()
    }
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sent: once(server, 'sent') }
}
