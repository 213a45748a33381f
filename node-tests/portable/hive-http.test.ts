import { describe, expect, inject, it } from 'vitest'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { randomBytes, rejection } from '../support/streams.ts'

let hives = 0

hiveSuite('HttpHive on a real server', () => {
  const url = `${inject('hiveUrl')}-/hives/suite-${Date.now()}-${hives++}/`
  return Promise.resolve({ hive: new HttpHive(url), other: new HttpHive(url) })
})

describe('HttpHive on a server that redirects', () => {
  const put = (hive: HttpHive, bytes: Uint8Array<ArrayBuffer>): Promise<void> =>
    bytesSource(bytes).stream().pipeTo(hive.sink('x'))
  const changes: Record<string, (hive: HttpHive) => Promise<unknown>> = {
    'a small PUT': (hive) => put(hive, randomBytes(10)),
    'a PUT of several blocks': (hive) => put(hive, randomBytes(600_000)),
    'a PATCH': (hive) => bytesSource(randomBytes(10)).stream().pipeTo(hive.patchSink('x')),
    'a DELETE': (hive) => hive.remove('x'),
    'a MOVE': (hive) => hive.rename('x', 'y'),
  }
  for (const [title, change] of Object.entries(changes)) {
    for (const status of [301, 302, 303, 307, 308]) {
      it(`fails ${title} that is answered with ${status}, and says why`, async () => {
        const error = await rejection(change(new HttpHive(`${inject('hiveUrl')}-/moved/${status}/`)))
        expect(error).toMatchObject({ name: 'BackendError', retryable: false, outcome: 'unknown' })
        expect((error as Error).message).toMatch(/^the server redirected (PUT|PATCH|DELETE|MOVE)/)
      })
    }
  }
})
