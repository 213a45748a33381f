import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Access, createHiveHandler, HttpHive } from '../../src/http.ts'
import type { Resource } from '../../src/http/server/resource.ts'
import { ROUTES } from '../../src/http/server/routes.ts'
import { DeltaStream } from '../../src/rsync/delta-stream.ts'
import { loadSignature } from '../../src/rsync/load-signature.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { rejection } from '../support/streams.ts'

const ORIGIN = 'http://hive.test'
const newHive = (): LocalHive => new LocalHive(new StreamStore(memoryBackend(), { blockSize: 1_000 }))
const bytes = (text: string): ReadableStream<Uint8Array<ArrayBuffer>> => new Blob([text]).stream()

/** A URL of each resource, and what `authorize` is told that it is about. */
const EXAMPLES: Readonly<Record<Resource, { readonly path: string; readonly about: object }>> = {
  hive: { path: '?prefix=a%2F&after=a%2Fb', about: { prefix: 'a/' } },
  entry: { path: 'a/b%20c', about: { alias: 'a/b c' } },
  version: { path: 'a?v=%22x%22', about: { alias: 'a' } },
  signature: { path: 'a?signature', about: { alias: 'a' } },
  watch: { path: '?watch&prefix=a%2F', about: { prefix: 'a/' } },
  manifest: { path: 'a?manifest&start=0', about: { alias: 'a' } },
}

const ACTIONS: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'write',
  PATCH: 'write',
  DELETE: 'remove',
  MOVE: 'remove',
}

describe('authorize', () => {
  for (const [resource, routes] of Object.entries(ROUTES)) {
    for (const [method, { operation }] of Object.entries(routes)) {
      it(`is told the class of ${method} on the resource ${resource}, and refuses it`, async () => {
        const { path, about } = EXAMPLES[resource as Resource]
        const asked: Access[] = []
        const authorize = (_request: Request, access: Access): boolean => asked.push(access) < 0
        const handler = createHiveHandler(newHive(), { authorize })
        const response = await handler(new Request(`${ORIGIN}/${path}`, { method, headers: { Destination: '/b' } }))

        expect(response.status).toBe(403)
        expect(asked).toEqual([{ operation, action: ACTIONS[method], ...about }])
      })
    }
  }

  it('is told what a rename reads, removes and writes, and can refuse each', async () => {
    const accesses = [
      { operation: 'move', action: 'remove', alias: 'a' },
      { operation: 'move', action: 'read', alias: 'a' },
      { operation: 'move', action: 'write', alias: 'b' },
    ]
    const local = newHive()
    await bytes('buzz').pipeTo(local.sink('a'))
    for (let allowed = 0; allowed <= accesses.length; allowed++) {
      const asked: Access[] = []
      const handler = createHiveHandler(local, { authorize: (_request, access) => asked.push(access) <= allowed })
      const { status } = await handler(new Request(`${ORIGIN}/a`, { method: 'MOVE', headers: { Destination: '/b' } }))
      expect(asked).toEqual(accesses.slice(0, allowed + 1))
      expect(status).toBe(allowed < accesses.length ? 403 : 201)
    }
    expect((await local.list()).entries.map(({ alias }) => alias)).toEqual(['b'])
  })

  it('is told an empty prefix if a list has none', async () => {
    const asked: Access[] = []
    const handler = createHiveHandler(newHive(), { authorize: (_request, access) => asked.push(access) > 0 })
    expect((await handler(new Request(`${ORIGIN}/`))).status).toBe(200)
    expect(asked).toEqual([{ operation: 'list', action: 'read', prefix: '' }])
  })
})

describe('a namespace for each user', () => {
  const userOf = (request: Request): string | undefined => request.headers.get('x-user') ?? undefined

  function start() {
    const local = newHive()
    const handler = createHiveHandler(local, {
      authorize(request, { alias, prefix }) {
        const user = userOf(request)
        return user !== undefined && (alias ?? prefix).startsWith(`${user}/`)
      },
    })
    const send = (path: string, init: Pick<RequestInit, 'method' | 'body'> = {}): Promise<Response> =>
      handler(new Request(`${ORIGIN}/${path}`, { ...init, headers: { 'X-User': 'alice' } }))
    const hiveOf = (user: string): HttpHive =>
      new HttpHive(ORIGIN, { fetch: (url, init) => handler(new Request(url, init)), headers: { 'X-User': user } })
    return { local, handler, send, alice: hiveOf('alice'), bob: hiveOf('bob') }
  }

  it('lets each user list, read, write, patch and remove below its own prefix', async () => {
    const { alice, bob } = start()
    for (const [user, hive] of Object.entries({ alice, bob })) {
      await bytes(`of ${user}`).pipeTo(hive.sink(`${user}/x`, { ifNoneMatch: '*' }))
      const entry = await hive.open(`${user}/x`)
      expect(new TextDecoder().decode(await collect(entry.stream()))).toBe(`of ${user}`)
      expect((await hive.list({ prefix: `${user}/` })).entries.map(({ alias }) => alias)).toEqual([`${user}/x`])

      const delta = bytes(`from ${user}`).pipeThrough(new DeltaStream(await loadSignature(entry.signature())))
      await delta.pipeTo(hive.patchSink(`${user}/x`, { ifMatch: entry.etag }))
      expect((await hive.stat(`${user}/x`)).size).toBe(5 + user.length)
      await hive.remove(`${user}/x`)
      expect((await hive.list({ prefix: `${user}/` })).entries).toEqual([])
    }
  })

  it('refuses all of that below the prefix of another user, whose entry stays as it was', async () => {
    const { local, alice, bob } = start()
    await bytes('of bob').pipeTo(bob.sink('bob/x'))
    const entry = await bob.open('bob/x')
    const delta = bytes('mine').pipeThrough(new DeltaStream(await loadSignature(entry.signature())))
    for (const attempt of [
      () => alice.list({ prefix: 'bob/' }),
      () => alice.list({ prefix: 'b' }),
      () => alice.list(),
      () => alice.open('bob/x'),
      () => alice.stat('bob/x'),
      () => bytes('mine').pipeTo(alice.sink('bob/x')),
      () => bytes('mine').pipeTo(alice.sink('bob/y', { ifNoneMatch: '*' })),
      () => delta.pipeTo(alice.patchSink('bob/x', { ifMatch: entry.etag })),
      () => alice.remove('bob/x'),
    ]) {
      expect(await rejection(attempt())).toMatchObject({ name: 'AccessError', status: 403 })
    }
    const { entries } = await local.list()
    expect(entries.map(({ alias, etag }) => [alias, etag])).toEqual([['bob/x', entry.etag]])
  })

  it('refuses a prefix that is empty, shorter, or only begins alike', async () => {
    const { send } = start()
    for (const query of [
      '',
      '?',
      '?prefix',
      '?prefix=',
      '?prefix=a',
      '?prefix=alice',
      '?prefix=alicex%2F',
      '?Prefix=alice/',
    ]) {
      expect((await send(query)).status, query).toBe(403)
    }
    expect((await send('?prefix=alice%2F')).status).toBe(200)
    for (const path of ['alice', 'alicex/x', 'Alice/x', '/alice/x', 'bob/alice/x']) {
      expect((await send(path)).status, path).toBe(403)
    }
  })

  it('lists for the prefix that was authorized, and no other', async () => {
    const { bob, send } = start()
    await bytes('of bob').pipeTo(bob.sink('bob/x'))
    for (const query of [
      'prefix=alice/&prefix=bob/',
      'prefix=alice/&after=a',
      'prefix=alice/../bob/',
      'prefix=alice/%2E%2E/bob/',
      'prefix=alice/%00',
    ]) {
      const response = await send(`?${query}`)
      expect(response.status, query).toBe(200)
      expect(await response.json(), query).toEqual({ entries: [] })
    }
    expect((await send('?prefix=bob/&prefix=alice/')).status).toBe(403)
  })

  it('cannot be escaped with dots, slashes and escapes', async () => {
    const { local, bob, send } = start()
    await bytes('of bob').pipeTo(bob.sink('bob/x'))
    const before = await local.list()
    for (const path of [
      'alice/../bob/x',
      'alice/%2e%2e/bob/x',
      'alice/.%2E/bob/x',
      'alice/..%2Fbob%2Fx',
      'alice%2F..%2Fbob%2Fx',
      'alice/%2e%2e%2fbob/x',
      'alice/%2e%2e%5cbob/x',
      'alice\\..\\bob/x',
      'alice/%252e%252e/bob/x',
      'alice/./../bob/x',
      'alice/..;/bob/x',
      'alice//../../bob/x',
      'bob%2Fx?alice/',
      'bob/x#alice/',
      'alice/%00/../../bob/x',
    ]) {
      const read = await send(path)
      expect([400, 403, 404], path).toContain(read.status)
      expect(await read.text(), path).not.toContain('of bob')
      await send(path, { method: 'DELETE' })
      await send(path, { method: 'PUT', body: 'mine' })
    }
    const after = await local.list({ prefix: 'bob/' })
    expect(after).toEqual(before)
    for (const { alias } of (await local.list()).entries) expect(alias).toMatch(/^(alice|bob)\//)
  })

  it('refuses everything without a user', async () => {
    const { handler } = start()
    for (const path of ['', '?prefix=', '?prefix=undefined/', 'undefined/x', 'alice/x']) {
      expect((await handler(new Request(`${ORIGIN}/${path}`))).status, path).toBe(403)
    }
  })
})
