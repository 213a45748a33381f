import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { comb, serveComb, temporaryDirectory } from '../support/comb.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

// scripts/measure-memory.mjs does the same with 100 MB and 1 MB.
test('an update by delta transfers less than 3 % of the entry when 1 % is inserted, as counted by the server', async () => {
  const hive = join(temporaryDirectory(), 'hive')
  const [old, inserted] = [randomBytes(10_000_000, 1), randomBytes(100_000, 2)]
  await storeEntry(hive, 'x', old)
  const server = await serveComb(hive, ['--log'])

  const remote = new HttpHive(server.url)
  const entry = await remote.open('x')
  const signature = await loadSignature(entry.signature())
  const edited = Buffer.concat([old.subarray(0, 5_000_001), inserted, old.subarray(5_000_001)])
  await bytesSource(edited)
    .stream()
    .pipeThrough(new DeltaStream(signature))
    .pipeTo(remote.patchSink('x', { ifMatch: entry.etag }))

  expect((await comb(['get', hive, 'x'])).stdout.equals(edited)).toBe(true)
  server.child.kill('SIGTERM')
  const lines = [...(await server.result).stderr.matchAll(/ (\w+) x received=(\d+) sent=(\d+)/g)]
  expect(lines.map(([, operation]) => operation)).toEqual(['head', 'signature', 'head', 'patch'])
  const moved = lines.reduce((sum, [, , received, sent]) => sum + Number(received) + Number(sent), 0)
  expect(moved).toBeGreaterThan(inserted.byteLength)
  expect(moved / old.byteLength).toBeLessThan(0.03)
})
