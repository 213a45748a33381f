import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type ServingComb, serveComb, temporaryDirectory } from '../support/comb.ts'
import { randomBytes } from '../support/streams.ts'

/** What electron-builder writes about a file: the digest and the size of each chunk. */
interface BlockMap {
  readonly version: '2'
  readonly files: readonly { name: string; offset: number; checksums: readonly string[]; sizes: readonly number[] }[]
}

// Their own types need those of Electron, which is not installed.
const require = createRequire(import.meta.url)
const { GenericDifferentialDownloader } =
  require('electron-updater/out/differentialDownloader/GenericDifferentialDownloader.js') as {
    GenericDifferentialDownloader: new (
      info: object,
      executor: object,
      options: object,
    ) => { download(oldMap: BlockMap, newMap: BlockMap): Promise<void> }
  }
const { CancellationToken, HttpExecutor } = createRequire(require.resolve('electron-updater/package.json'))(
  'builder-util-runtime',
) as { CancellationToken: new () => object; HttpExecutor: new () => object }

const CHUNK = 4_096
const CHUNKS = 1_300
const OLD = randomBytes(CHUNK * CHUNKS + 1_234)

/** Stores bytes in the hive that is served. */
async function put(url: string, bytes: Uint8Array<ArrayBuffer>, type = 'application/octet-stream'): Promise<void> {
  const { status } = await fetch(url, { method: 'PUT', body: bytes, headers: { 'Content-Type': type } })
  expect(status).toBe(201)
}

/** The requests that read `alias`: the status of each answer, and the bytes of its body. */
function readsOf({ stderr }: ServingComb, alias: string): { status: number; sent: number }[] {
  const line = new RegExp(`^\\S+ (\\d+) read ${alias} received=0 sent=(\\d+)$`, 'gm')
  return Array.from(stderr().matchAll(line), ([, status, sent]) => ({ status: Number(status), sent: Number(sent) }))
}

const sum = (reads: readonly { sent: number }[]): number => reads.reduce((total, { sent }) => total + sent, 0)

test('zsync updates a file from `comb serve`, and fetches only what has changed', async () => {
  const directory = temporaryDirectory()
  const file = (name: string): string => join(directory, name)
  const changed = OLD.slice()
  for (let chunk = 5; chunk < CHUNKS; chunk += 40) changed.set(randomBytes(100, chunk), chunk * CHUNK)
  writeFileSync(file('old'), OLD)
  writeFileSync(file('new.bin'), changed)
  const server = await serveComb(file('hive'), ['--log'])
  const run = promisify(execFile)
  await run('zsyncmake', ['-u', `${server.url}new.bin`, '-o', file('new.zsync'), file('new.bin')])
  await put(`${server.url}new.bin`, changed)
  await put(`${server.url}new.zsync`, new Uint8Array(readFileSync(file('new.zsync'))), 'application/x-zsync')

  const { http_proxy: _, ...env } = process.env
  await run('zsync', ['-i', file('old'), '-o', file('updated'), `${server.url}new.zsync`], { cwd: directory, env })

  expect(readFileSync(file('updated')).equals(changed)).toBe(true)
  await expect.poll(() => readsOf(server, 'new.bin').length).toBeGreaterThan(0)
  const reads = readsOf(server, 'new.bin')
  expect(reads.filter(({ status }) => status !== 206)).toEqual([])
  // Each change is one range of a few blocks; several of them are asked for in one request.
  expect(reads.length).toBeLessThan(CHUNKS / 40)
  expect(sum(reads)).toBeLessThan(changed.byteLength / 5)
})

/** What electron-updater runs on in Node: its own executor is the network stack of Electron. */
class NodeExecutor extends HttpExecutor {
  createRequest(options: object, callback: (response: unknown) => void): ClientRequest {
    return request(options, callback)
  }
}

function blockMapOf(bytes: Uint8Array): BlockMap {
  const checksums: string[] = []
  const sizes: number[] = []
  for (let offset = 0; offset < bytes.byteLength; offset += CHUNK) {
    const chunk = bytes.subarray(offset, offset + CHUNK)
    checksums.push(createHash('sha256').update(chunk).digest('base64'))
    sizes.push(chunk.byteLength)
  }
  return { version: '2', files: [{ name: 'file', offset: 0, checksums, sizes }] }
}

test('the differential download of electron-updater works against `comb serve`', async () => {
  const directory = temporaryDirectory()
  const file = (name: string): string => join(directory, name)
  // Every second chunk, so that a request has as many ranges as the updater ever asks for.
  const changed = OLD.slice()
  for (let chunk = 1; chunk < CHUNKS; chunk += 2) changed[chunk * CHUNK]! ^= 1
  writeFileSync(file('old'), OLD)
  const server = await serveComb(file('hive'), ['--log'])
  await put(`${server.url}app.exe`, changed)

  const info = { size: changed.byteLength, sha512: createHash('sha512').update(changed).digest('base64') }
  const messages: unknown[] = []
  const log = (message: unknown): number => messages.push(message)
  const downloader = new GenericDifferentialDownloader(info, new NodeExecutor(), {
    oldFile: file('old'),
    newFile: file('updated'),
    newUrl: new URL(`${server.url}app.exe`),
    logger: { info: log, warn: log, error: log },
    requestHeaders: null,
    isUseMultipleRangeRequest: true,
    cancellationToken: new CancellationToken(),
  })
  await downloader.download(blockMapOf(OLD), blockMapOf(changed))

  expect(readFileSync(file('updated')).equals(changed)).toBe(true)
  await expect.poll(() => readsOf(server, 'app.exe').length).toBe(2)
  const reads = readsOf(server, 'app.exe')
  expect(reads.map(({ status }) => status)).toEqual([206, 206])
  expect(sum(reads)).toBeGreaterThan(changed.byteLength / 2)
  expect(sum(reads)).toBeLessThan(changed.byteLength * 0.55)
})
