import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { type HiveServer, startHiveServer } from '../../src/cli/hive-server.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'
import { CASE_SIZE, type CaseFile, fieldsFor, problemWith } from '../support/http-case.ts'
import { HTTP_CASES } from '../support/http-cases.ts'
import { RawHttp } from '../support/raw-http.ts'
import { randomBytes } from '../support/streams.ts'

let server: HiveServer
let http: RawHttp
let file: CaseFile

beforeAll(async () => {
  const hive = new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
  const bytes = randomBytes(CASE_SIZE)
  await new Blob([bytes]).stream().pipeTo(hive.sink('file', { type: 'video/mp4' }))
  await new Blob([]).stream().pipeTo(hive.sink('empty', { type: 'video/mp4' }))
  const { etag, modified } = await hive.stat('file')
  file = { bytes, etag, sentEtag: etag, modifiedMs: Math.ceil(modified.getTime() / 1_000) * 1_000 }
  server = await startHiveServer(hive, {
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    allowHost: [],
    allowOrigin: [],
    log: false,
    graceMs: 0,
  })
  http = new RawHttp(Number(new URL(server.url).port))
})

afterAll(async () => {
  http.close()
  await server.close()
})

describe.each([...new Set(HTTP_CASES.map(({ group }) => group))])('`comb serve` over a socket: %s', (group) => {
  const cases = HTTP_CASES.filter((one) => one.group === group)
  for (const one of cases) {
    it(`answers ${one.title}`, async () => {
      const answer = await http.send(one.method, `/${one.path}`, fieldsFor(one, file))
      // Exactly what docs/http.md says, where the RFC leaves a choice.
      expect(problemWith(one, answer, file, one.outcomes.slice(0, 1))).toBeUndefined()
    })
  }
})
