import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text as readText } from 'node:stream/consumers'
import { directoryBackend } from '../../src/backends/directory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { S3BlocksOptions } from '../../src/backends/s3.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Backend, type BackendError, StreamStore, systemHost } from '../../src/store.ts'
import { backendCases } from '../../src/testing.ts'
import { startChildIn } from '../support/child-program.ts'
import { FaultyProxy, type ProxyFault } from '../support/faulty-proxy.ts'
import { hastyHost } from '../support/hasty-collector.ts'
import { harmThrough, healingSuite } from '../support/healing-suite.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { difference } from '../support/jobs.ts'
import { gatewayBackend, newPrefix, objectGateway } from '../support/object-gateway.ts'
import { settledBackend } from '../support/settled-backend.ts'
import { wholeOr } from '../support/sample.ts'
import { GATEWAY_DOMAIN, type ObjectGateway, withQuota } from '../support/start-ceph.ts'
import { randomBytes, rejection } from '../support/streams.ts'
import { VirtualHost } from '../support/virtual-host.ts'

const FAULTS: readonly ProxyFault[] = ['refuse', 'lose', 'fail', 'overload', 'cut']

let gateway: ObjectGateway
beforeAll(async () => {
  gateway = await objectGateway()
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Where the last hive is. */
let last = { rows: '', prefix: '' }

const open = async (options: Partial<S3BlocksOptions> = {}): Promise<Backend> => {
  const { rows, prefix } = last
  return gatewayBackend(gateway, { prefix, ...options }, await directoryBackend(rows, { thread: false }))
}
const openNew = (options?: Partial<S3BlocksOptions>): Promise<Backend> => {
  const prefix = newPrefix()
  last = { rows: join(folder, prefix.replace('/', '-')), prefix }
  return open(options)
}

describe('s3Blocks on Ceph', () => {
  const openSmall = async (): Promise<Backend> => openNew(await withQuota(gateway, 1_000_000))
  it.each(backendCases(() => openNew(), { reopen: () => open(), makeSmall: openSmall }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

/** Node 24 runs all cases. Of these, each runs every third one, or all of them too. */
const RUNTIMES = ['node-22', 'deno', 'bun'] as const

it.each(RUNTIMES)('s3Blocks passes the suite in %s', async (runtime) => {
  const third = wholeOr([0, 1, 2], [RUNTIMES.indexOf(runtime)])
  const cases = [...backendCases(() => memoryBackend()).keys()].filter((index) => third.includes(index % 3))
  const child = startChildIn(runtime, 'contract-child', JSON.stringify(gateway), newPrefix(), cases.join())
  const [output, errors] = await Promise.all([readText(child.stdout), readText(child.stderr)])
  expect(output + errors).toBe(`${cases.length} passed\n`)
})

describe('s3Blocks', () => {
  it('finds a bucket by its host name', async () => {
    const { port } = new URL(gateway.endpoint)
    const { blocks } = gatewayBackend(gateway, {
      endpoint: `http://${GATEWAY_DOMAIN}:${port}`,
      addressing: 'virtual-host',
      fetch: fetchFromLoopback,
    })
    await blocks.put('o.00', new Uint8Array([1, 2, 3]))
    expect(await blocks.get('o.00')).toEqual(new Uint8Array([1, 2, 3]))
    expect(await blocks.list({ prefix: 'o.', limit: 10 })).toEqual([{ name: 'o.00', size: 3 }])
  })

  it('says that a key, a bucket or a right is wrong', async () => {
    const wrong = { accessKeyId: gateway.credentials.accessKeyId, secretAccessKey: 'something else' }
    for (const [options, message] of [
      [{ bucket: 'nothing-here' }, 'the bucket nothing-here does not exist'],
      [{ credentials: wrong }, 'answers 403 SignatureDoesNotMatch'],
      [{ credentials: { ...wrong, accessKeyId: 'NOBODY' } }, 'answers 403 InvalidAccessKeyId'],
    ] as const) {
      const { blocks } = gatewayBackend(gateway, options)
      const calls = [
        () => blocks.put('o.00', new Uint8Array(1)),
        () => blocks.get('o.00'),
        () => blocks.size('o.00'),
        () => blocks.delete('o.00'),
        () => blocks.list({ prefix: '', limit: 1 }),
      ]
      for (const call of calls) {
        const error = await rejection(call())
        expect(error).toMatchObject({ name: 'BackendError', retryable: false, outcome: undefined })
        expect(String(error)).toContain(message)
        expect(String(error)).not.toContain('something else')
      }
    }
  })
})

describe('s3Blocks on Ceph, when every twentieth request fails, and other faults come on top', () => {
  const proxies: FaultyProxy[] = []
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())))

  const openDisturbed = async (): Promise<Backend> => {
    const proxy = new FaultyProxy(gateway.endpoint)
    proxies.push(proxy)
    proxy.plan = () => (proxy.passed.length % 20 === 7 ? FAULTS[Math.floor(proxy.passed.length / 20) % 5] : undefined)
    return settledBackend(insistent(await openNew({ endpoint: await proxy.listen() })))
  }
  // But for the one that makes hundreds of lists.
  const cases = backendCases(openDisturbed).filter(({ name }) => /^blocks: (?!names are listed)/.test(name))
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

/** A backend that repeats calls whose failure may be temporary, as a store does. */
function insistent(backend: Backend): Backend {
  const { blocks } = backend
  return {
    ...backend,
    blocks: {
      put: (...call) => repeated(() => blocks.put(...call)),
      get: (...call) => repeated(() => blocks.get(...call)),
      size: (...call) => repeated(() => blocks.size(...call)),
      delete: (...call) => repeated(() => blocks.delete(...call)),
      list: (...call) => repeated(() => blocks.list(...call)),
    },
  }
}

async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries === 5 || !(error as Partial<BackendError>).retryable) throw error
    }
  }
}

/** Sends a request to this machine, whatever the host of its URL is. */
async function fetchFromLoopback(input: unknown, init: RequestInit = {}): Promise<Response> {
  const url = new URL(input as string)
  const headers = { ...Object.fromEntries(new Headers(init.headers)), host: url.host }
  const path = url.pathname + url.search
  const outgoing = request({ host: '127.0.0.1', port: url.port, path, method: init.method, headers })
  outgoing.end(init.body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await buffer(response)
  return new Response(body, { status: response.statusCode!, headers: response.headers as Record<string, string> })
}

/** The moments of aborts are those of every kind of hive. */
const MOMENTS = { everyMoment: wholeOr(1, 3) }

hiveSuite(
  'LocalHive with blocks in Ceph',
  async () => {
    const rows = memoryBackend()
    const prefix = newPrefix()
    const openHive = (): LocalHive => {
      return new LocalHive(new StreamStore(gatewayBackend(gateway, { prefix }, rows), { blockSize: 1_000 }))
    }
    return { hive: openHive(), other: openHive() }
  },
  MOMENTS,
)

healingSuite(
  'a content in Ceph',
  async () => {
    const backend = gatewayBackend(gateway)
    return { backend, harm: (object, harm) => harmThrough(backend, object, harm) }
  },
  [{ blocks: 2, harmed: [0, 1] }],
)

describe('a store whose object store fails', () => {
  const BLOCK_BYTES = 2_000

  async function throughProxy(
    use: (proxy: FaultyProxy, backend: Backend, direct: Backend) => Promise<void>,
    timeoutMs?: number,
  ): Promise<void> {
    const proxy = new FaultyProxy(gateway.endpoint)
    const [endpoint, prefix, rows] = [await proxy.listen(), newPrefix(), memoryBackend()]
    try {
      const direct = gatewayBackend(gateway, { prefix }, rows)
      await use(proxy, gatewayBackend(gateway, { prefix, endpoint, timeoutMs }, rows), direct)
    } finally {
      await proxy.close()
    }
  }

  it.each(['lose', 'fail', 'refuse', 'overload'] as const)(
    'stores a block whose put meets the fault "%s" under another name, and deletes the former one',
    async (fault) => {
      await throughProxy(async (proxy, backend) => {
        let puts = 0
        proxy.plan = ({ method }) => (method === 'PUT' && ++puts === 2 ? fault : undefined)
        const store = new StreamStore(backend, { blockSize: BLOCK_BYTES, inMemoryThreshold: 0 })
        const hive = new LocalHive(store)
        const bytes = randomBytes(3 * BLOCK_BYTES)
        await bytesSource(bytes).stream().pipeTo(hive.sink('a'))
        expect(difference(await collect((await hive.open('a')).stream()), bytes)).toBeUndefined()
        const names = proxy.passed.filter(({ method }) => method === 'PUT').map(({ url }) => url)
        expect(names).toHaveLength(4)
        expect(new Set(names).size).toBe(4)
        expect(proxy.passed.filter(({ method }) => method === 'DELETE').map(({ url }) => url)).toEqual([names[1]])
        expect((await inspectStore(backend)).problems).toEqual([])
        expect(await backend.blocks.list({ prefix: '', limit: 10 })).toHaveLength(3)
      })
    },
  )

  it.each(['lose', 'fail', 'refuse', 'overload', 'cut', 'stall'] as const)(
    'reads a block again whose answer meets the fault "%s"',
    async (fault) => {
      await throughProxy(async (proxy, backend) => {
        const store = new StreamStore(backend, { blockSize: BLOCK_BYTES, inMemoryThreshold: 0 })
        const hive = new LocalHive(store)
        const bytes = randomBytes(3 * BLOCK_BYTES)
        await bytesSource(bytes).stream().pipeTo(hive.sink('a'))
        let gets = 0
        proxy.plan = ({ method }) => (method === 'GET' && ++gets === 2 ? fault : undefined)
        expect(difference(await collect((await hive.open('a')).stream()), bytes)).toBeUndefined()
        expect(gets).toBeGreaterThanOrEqual(4)
      }, 1_000)
    },
  )

  it('gives up with a typed error, stores nothing, and goes on once the object store is back', async () => {
    await throughProxy(async (proxy, backend) => {
      const store = new StreamStore(backend, { blockSize: BLOCK_BYTES, inMemoryThreshold: 0 })
      const hive = new LocalHive(store)
      const bytes = randomBytes(BLOCK_BYTES)
      proxy.plan = ({ method }) => (method === 'PUT' ? 'refuse' : undefined)
      const error = await rejection(bytesSource(bytes).stream().pipeTo(hive.sink('a')))
      expect(error).toMatchObject({ name: 'BackendError', retryable: true, outcome: 'unknown' })
      expect(proxy.passed.filter(({ method }) => method === 'PUT')).toHaveLength(5)
      expect((await hive.list()).entries).toEqual([])
      proxy.plan = () => undefined
      await bytesSource(bytes).stream().pipeTo(hive.sink('a'))
      expect(difference(await collect((await hive.open('a')).stream()), bytes)).toBeUndefined()
    })
  })

  it('keeps every entry that was acknowledged, reads exactly or fails, and is collected to nothing', async () => {
    await throughProxy(async (proxy, backend, direct) => {
      const host = new VirtualHost({ seed: 1 })
      let failures = 0
      proxy.plan = () => (host.fraction() < 0.2 ? FAULTS[failures++ % FAULTS.length] : undefined)
      const store = new StreamStore(backend, { blockSize: BLOCK_BYTES, inMemoryThreshold: 0 })
      const hive = new LocalHive(store)
      const acknowledged = new Map<string, Uint8Array<ArrayBuffer>>()
      const work = async (worker: number): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          const alias = `${worker}/${i % 3}`
          const bytes = randomBytes(BLOCK_BYTES + Math.floor(host.fraction() * 5 * BLOCK_BYTES), worker * 100 + i)
          try {
            await bytesSource(bytes).stream().pipeTo(hive.sink(alias))
            acknowledged.set(alias, bytes)
            const read = await collect((await hive.open(alias)).stream())
            expect(difference(read, bytes)).toBeUndefined()
          } catch (error) {
            expect(error).toMatchObject({ name: 'BackendError', retryable: true })
          }
        }
      }
      await Promise.all([1, 2, 3].map(work))
      expect(failures).toBeGreaterThan(30)
      expect(acknowledged.size).toBeGreaterThan(0)

      // The rows never failed, so that no put of an entry is uncertain.
      const plain = new StreamStore(direct, { host: hastyHost(systemHost) })
      const entries = new LocalHive(plain)
      expect((await entries.list()).entries.map(({ alias }) => alias)).toEqual([...acknowledged.keys()].toSorted())
      for (const [alias, bytes] of acknowledged) {
        expect(difference(await collect((await entries.open(alias)).stream()), bytes)).toBeUndefined()
      }
      await plain.collectGarbage({ graceMs: 0 })
      await plain.scrub({ repair: true, force: true, graceMs: 0 })
      await plain.collectGarbage({ graceMs: 0 })
      const { problems, unfinished } = await inspectStore(direct)
      expect([problems, unfinished]).toEqual([[], []])
      for (const alias of acknowledged.keys()) await entries.remove(alias)
      for (let i = 0; i < 2; i++) await plain.collectGarbage({ graceMs: 0 })
      expect(await direct.blocks.list({ prefix: '', limit: 10 })).toEqual([])
    })
  })
})
