import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { directoryBackend } from '../../src/backends/directory.ts'
import { cachedHive } from '../../src/cache.ts'
import { HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/index.ts'
import { comb, serveComb, temporaryDirectory } from '../support/comb.ts'
import { randomBytes, soon } from '../support/streams.ts'

test('`comb serve --cache` serves another hive, keeps what was read, and passes changes on', async () => {
  const directory = temporaryDirectory()
  const bytes = randomBytes(2_500_000, 1)
  const origin = await serveComb(join(directory, 'hive'), ['--log'], { env: { COMB_TOKEN: 'secret' } })
  const args = ['--cache', join(directory, 'cache'), '--from', origin.url, '--cache-bytes', '50MB']
  const env = { COMB_FROM_TOKEN: 'secret', COMB_TOKEN: 'readers' }
  const edge = await serveComb(undefined, args, { env })
  const client = { env: { COMB_TOKEN: 'readers' } }

  expect(await comb(['put', edge.url, 'x', '-'], { ...client, input: bytes })).toMatchObject({ code: 0 })
  const gets = async (): Promise<number> => origin.stderr().match(/ read x /g)?.length ?? 0
  for (let i = 0; i < 2; i++) {
    const { stdout, stderr } = await comb(['get', edge.url, 'x'], client)
    expect(stderr).toBe('')
    expect(stdout.equals(bytes)).toBe(true)
  }
  const asked = await gets()
  expect(asked).toBeGreaterThan(0)
  for (const headers of [{}, { Authorization: 'Bearer secret' }]) {
    expect((await fetch(`${edge.url}x`, { headers })).status).toBe(401)
  }
  const headers = { Authorization: 'Bearer readers', Range: 'bytes=1234567-1234999' }
  const part = await fetch(`${edge.url}x`, { headers })
  expect(part.status).toBe(206)
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_234_567, 1_235_000))).toBe(true)
  expect(await gets()).toBe(asked)

  await allIsKept(join(directory, 'cache'), origin.url, bytes.byteLength)
  // Killed, and started again on the same cache, while there is no origin.
  edge.child.kill('SIGKILL')
  await edge.result
  origin.child.kill('SIGKILL')
  await origin.result
  const again = await serveComb(undefined, args, { env })
  const { stdout } = await comb(['get', again.url, 'x'], client)
  expect(stdout.equals(bytes)).toBe(true)
  again.child.kill('SIGTERM')
  expect(await soon(again.result, 'the end of the edge')).toMatchObject({ code: 0, stderr: '' })
})

/** Waits until the edge has stored all of `x`: after an answer, it is still storing its blocks. */
async function allIsKept(directory: string, from: string, byteLength: number): Promise<void> {
  const store = new StreamStore(await directoryBackend(directory), { name: 'cache' })
  const principal = createHash('sha256').update('secret').digest('hex')
  const hive = cachedHive(new HttpHive(from), store, { bytes: 50_000_000, principal })
  await vi.waitUntil(async () => (await hive.cached('x'))?.bytes === byteLength, { timeout: 30_000, interval: 100 })
  await store.close()
}

test('`comb serve --cache` refuses what it must not do', async () => {
  const cache = join(temporaryDirectory(), 'cache')
  const from = 'http://127.0.0.1:9/'
  const refused: readonly (readonly [string[], RegExp])[] = [
    [['--cache', cache], /--from/],
    [['--from', from], /--cache/],
    [['--cache', cache, '--from', 'hive'], /http\(s\) URL/],
    [['--cache', cache, '--from', 'http://user:pass@host/'], /user name/],
    [['--cache', cache, '--from', from, '--from-token', 'secret'], /COMB_TOKEN/],
    [['--cache', cache, '--from', from, '--cache-bytes', 'much'], /10GB/],
    [['--cache', cache, '--from', from, '--compress', 'lz4'], /--compress/],
    [['data', '--cache', cache, '--from', from], /\[dir\]/],
  ]
  await Promise.all(
    refused.map(async ([args, message]) => {
      const { code, stderr } = await comb(['serve', ...args])
      expect({ args, code }).toEqual({ args, code: 2 })
      expect(stderr).toMatch(message)
      expect(stderr).not.toMatch(/pass@|secret/)
    }),
  )
})
