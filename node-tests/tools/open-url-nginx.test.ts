import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { openUrl } from '../../src/http.ts'
import { NginxServer } from '../support/nginx-server.ts'
import { sharedPage } from '../support/shared-chromium.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const SIZE = 300_000
const BYTES = randomBytes(SIZE)
const OTHER = randomBytes(SIZE + 1, 2)
/** Compresses well. */
const TEXT = 'the same line again\n'.repeat(10_000)

let nginx: NginxServer
beforeAll(async () => {
  nginx = await NginxServer.start()
  nginx.put('bunny.mp4', BYTES)
  nginx.put('log.txt', TEXT)
  nginx.put('empty', '')
})
afterAll(() => nginx?.close())

describe('openUrl of a file on nginx', () => {
  it('reads, seeks, and computes its signature', async () => {
    const entry = await openUrl(`${nginx.url}bunny.mp4`, { bufferSize: 65_536 })
    expect(entry).toMatchObject({ alias: `${nginx.url}bunny.mp4`, size: SIZE, type: 'video/mp4' })
    expect(Math.abs(entry.modified.getTime() - Date.now())).toBeLessThan(3_600_000)
    expect(await entry.bytes()).toEqual(BYTES)
    const reader = entry.reader()
    reader.seek(SIZE - 5)
    expect(await reader.read()).toEqual(BYTES.slice(-5))
    expect((await collect(entry.signature())).subarray(0, 4)).toEqual(Uint8Array.of(0x72, 0x73, 0x01, 0x47))
  })

  it.each(['compare', 'if-match'] as const)(
    'notices that it is replaced or removed, with validate: %s',
    async (validate) => {
      nginx.put('changing', BYTES)
      const entry = await openUrl(`${nginx.url}changing`, { validate, bufferSize: 65_536 })
      const reader = entry.reader()
      expect(await reader.read()).toEqual(BYTES.slice(0, 65_536))
      nginx.put('changing', OTHER)
      const error = await rejection(reader.read())
      expect(error).toMatchObject({ name: 'ConflictError', expectedEtag: entry.etag, offset: 65_536 })
      const reopened = await entry.reopen()
      expect(await reopened.bytes()).toEqual(OTHER)
      nginx.remove('changing')
      expect(await rejection(reopened.bytes())).toMatchObject({ name: 'NotFoundError', status: 404 })
    },
  )

  it('finishes a snapshot of a file that is replaced', async () => {
    // More than the connection holds.
    const large = randomBytes(20_000_000)
    nginx.put('large', large)
    const entry = await openUrl(`${nginx.url}large`, { consistency: 'snapshot' })
    const stream = entry.stream()
    const reader = stream.getReader()
    const first = (await reader.read()).value!
    nginx.put('large', OTHER)
    reader.releaseLock()
    expect(await collect(stream)).toEqual(large.subarray(first.byteLength))
    expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError' })
  })

  it('reads a file that it compresses for others', async () => {
    const url = `${nginx.url}gzip/log.txt`
    const compressed = await fetch(url, { headers: { 'Accept-Encoding': 'gzip' } })
    expect(compressed.headers.get('etag')).toMatch(/^W\//)
    expect(await compressed.text()).toBe(TEXT)
    const entry = await openUrl(url, { bufferSize: 65_536 })
    expect([entry.size, entry.etag.startsWith('"')]).toEqual([TEXT.length, true])
    expect(await entry.text()).toBe(TEXT)
    expect(await collect(entry.slice(-5).stream())).toEqual(new TextEncoder().encode('gain\n'))
  })

  it('reads in a page, which cannot say which codings it takes', async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('../../src/http.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      write: false,
    })
    nginx.put('http.js', outputFiles[0]!.contents)
    nginx.put('page.html', '<!doctype html>')
    const page = await sharedPage()
    await page.goto(`${nginx.url}page.html`)
    // A string, because the test runner would rewrite the import.
    const read = await page.evaluate(`
      import('/http.js').then(async ({ openUrl }) => {
        const compressed = await fetch('/gzip/log.txt')
        const entry = await openUrl('gzip/log.txt', { bufferSize: 65536 })
        const empty = await openUrl('empty')
        return [compressed.headers.get('content-encoding'), entry.size, await entry.text(), await empty.text()]
      })
    `)
    expect(read).toEqual(['gzip', TEXT.length, TEXT, ''])
  })

  it('reads an empty file', async () => {
    const entry = await openUrl(`${nginx.url}empty`)
    expect([entry.size, await entry.text()]).toEqual([0, ''])
  })

  it('says what is missing without etags, and reads on without ranges', async () => {
    expect(await rejection(openUrl(`${nginx.url}no-etag/bunny.mp4`))).toMatchObject({
      name: 'FormatError',
      reason: 'unsupported',
      message: expect.stringContaining('no ETag'),
    })
    const entry = await openUrl(`${nginx.url}no-ranges/bunny.mp4`, { bufferSize: 65_536 })
    expect(await entry.bytes()).toEqual(BYTES)
    const reader = entry.reader()
    reader.seek(200_000)
    expect(await reader.read()).toEqual(BYTES.slice(200_000, 265_536))
  })

  it('follows redirects, anew for each request, and never to another version', async () => {
    nginx.put('target', BYTES)
    const entry = await openUrl(`${nginx.url}moved/target`, { bufferSize: 65_536 })
    expect([entry.alias, await entry.bytes()]).toEqual([`${nginx.url}moved/target`, BYTES])
    const reader = entry.reader()
    await reader.read()
    nginx.put('target', OTHER)
    expect(await rejection(reader.read())).toMatchObject({ name: 'ConflictError' })
  })

  it.each([
    ['goes on at the same byte', false],
    ['notices that the file was replaced', true],
  ] as const)('%s when it restarts midway', async (_, replaced) => {
    const bytes = randomBytes(20_000_000, 3)
    nginx.put('restarted', bytes)
    let onRefused = (): void => undefined
    const refused = new Promise<void>((resolve) => (onRefused = resolve))
    const watched = async (url: string, init: RequestInit): Promise<Response> => {
      try {
        return await fetch(url, init)
      } catch (error) {
        onRefused()
        throw error
      }
    }
    // It waits as long as it takes.
    const entry = await openUrl(`${nginx.url}restarted`, { fetch: watched, retries: Infinity })
    const stream = entry.stream()
    const reader = stream.getReader()
    const first = (await reader.read()).value!
    reader.releaseLock()
    await nginx.stop()
    const rest = collect(stream).catch((error: unknown) => error)
    await refused
    if (replaced) nginx.put('restarted', OTHER)
    await nginx.start()
    if (replaced) expect(await rest).toMatchObject({ name: 'ConflictError' })
    else expect(await rest).toEqual(bytes.subarray(first.byteLength))
  })
})
