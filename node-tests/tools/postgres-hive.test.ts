import postgres from 'postgres'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { postgresBackend, type PostgresBackendOptions } from '../../src/backends/postgres.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Backend, StreamStore, systemHost } from '../../src/store.ts'
import { startChild } from '../support/child-program.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { CAN_MOUNT, mountSmall } from '../support/file-systems.ts'
import { hastyHost } from '../support/hasty-collector.ts'
import { harmThrough, healingSuite } from '../support/healing-suite.ts'
import { hiveSuite } from '../support/hive-suite.ts'
import { inspectStore } from '../support/inspect-store.ts'
import { difference } from '../support/jobs.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { wholeOr } from '../support/sample.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const BLOCK_SIZE = 20_000
const KEY = new Uint8Array([1])

let server: PostgresServer
let proxy: CuttingProxy
const opened: Backend[] = []
let schemas = 0

beforeAll(async () => {
  server = await PostgresServer.start()
  proxy = await CuttingProxy.listen(server.port)
})

afterAll(async () => {
  await closeAll()
  await proxy?.close()
  await server?.close()
})

const newSchema = (): string => `hive_${schemas++}`

async function open(options: PostgresBackendOptions, port = server.port): Promise<Backend> {
  const backend = await postgresBackend(server.url(port), { connections: 2, listen: false, ...options })
  opened.push(backend)
  return backend
}

async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((backend) => backend.close()))
}

function hiveIn(backend: Backend): LocalHive {
  return new LocalHive(new StreamStore(backend, { blockSize: BLOCK_SIZE }))
}

async function put(hive: LocalHive, alias: string, content: Uint8Array): Promise<void> {
  await bytesSource(content).stream().pipeTo(hive.sink(alias))
}

/** Checks that the entries are there, that nothing else is wrong, and that collection leaves nothing of the rest. */
async function expectExactly(schema: string, entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const backend = await open({ schema })
  const store = new StreamStore(backend, { blockSize: BLOCK_SIZE, host: hastyHost(systemHost) })
  const hive = new LocalHive(store)
  for (const [alias, content] of entries) {
    expect(difference(await collect((await hive.open(alias)).stream()), content)).toBeUndefined()
  }
  for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
  await store.scrub({ repair: true, force: true, graceMs: 0 })
  await store.collectGarbage({ graceMs: 0 })
  const { problems, unfinished } = await inspectStore(backend)
  expect([problems, unfinished]).toEqual([[], []])
}

/** The moments of aborts are those of every kind of hive. */
const MOMENTS = { everyMoment: wholeOr(1, 3) }

/** Two nodes. Each hive of the suite is in a store of its own. */
let nodes: Promise<Backend[]> | undefined
let stores = 0
hiveSuite(
  'LocalHive in PostgreSQL',
  async () => {
    const name = `s${stores++}`
    nodes ??= Promise.all([1, 2].map(() => open({ schema: 'suite', listen: true })))
    const hives = (await nodes).map((backend) => new LocalHive(new StreamStore(backend, { name, blockSize: 1_000 })))
    return { hive: hives[0]!, other: hives[1]! }
  },
  MOMENTS,
)

healingSuite(
  'a content in PostgreSQL',
  async () => {
    const backend = await open({ schema: newSchema(), connections: 1 })
    return { backend, harm: (object, harm) => harmThrough(backend, object, harm) }
  },
  [{ blocks: 2, harmed: [0, 1] }],
)

describe('postgresBackend', () => {
  /** Whether what is sent in a step arrives before the connection is cut: both, or one after the other. */
  const arrivals = (step: number): readonly boolean[] => wholeOr([false, true], [step % 2 === 0])

  it.each([
    ['a content of one row', 100],
    ['a content of three blocks', 3 * BLOCK_SIZE - 7],
  ])('stores %s, or fails with an error of ours, wherever its connection is cut', async (_, byteLength) => {
    const schema = newSchema()
    const entries = new Map<string, Uint8Array>()
    const failures: unknown[] = []
    let step = 1
    for (let isOver = false; !isOver; step++) {
      for (const arrives of arrivals(step)) {
        const backend = await open({ schema, connections: 1, timeoutMs: 20_000 }, proxy.port)
        const content = randomBytes(byteLength, 2 * step + Number(arrives))
        const alias = `${step} ${arrives}`
        proxy.steps = 0
        proxy.cut = { step, arrives }
        const [result] = await Promise.allSettled([put(hiveIn(backend), alias, content)])
        isOver = proxy.cut !== undefined
        proxy.cut = undefined
        await backend.close()
        if (result.status === 'rejected') failures.push(result.reason)
        else entries.set(alias, content)
      }
    }
    for (const error of failures) expect(error).toMatchObject({ name: 'BackendError' })
    expect(step).toBeGreaterThan(10)
    await expectExactly(schema, entries)
  })

  it('reads exactly what is there, wherever its connection is cut', async () => {
    const schema = newSchema()
    const content = randomBytes(3 * BLOCK_SIZE, 1)
    await put(hiveIn(await open({ schema })), 'a', content)
    for (let [step, isOver] = [1, false]; !isOver; step++) {
      const backend = await open({ schema, connections: 2 }, proxy.port)
      proxy.steps = 0
      proxy.cut = { step, arrives: step % 2 === 0 }
      const read = await collect((await hiveIn(backend).open('a')).stream())
      isOver = proxy.cut !== undefined
      proxy.cut = undefined
      await backend.close()
      expect(difference(read, content)).toBeUndefined()
    }
  })

  it.runIf(CAN_MOUNT)('fails with a QuotaExceededError when the disk is full, and loses nothing', async () => {
    const mounted = mountSmall(tmpdir(), 'size=2m,mode=777')
    const sql = postgres(server.url(), { max: 1, onnotice: () => undefined })
    const schema = newSchema()
    onTestFinished(async () => {
      await sql.unsafe(`drop schema ${schema} cascade`)
      await sql.unsafe('drop tablespace small')
      await sql.end()
      mounted.unmount()
    })
    const { blocks, metadata } = await open({ schema })
    await sql.unsafe(`create tablespace small location '${server.makeSpace(mounted.path)}'`)
    await sql.unsafe(`alter table ${schema}.blocks set tablespace small`)
    const names: string[] = []
    const fill = async (): Promise<void> => {
      for (;;) {
        await blocks.put(`o.${names.length}`, randomBytes(100_000, names.length))
        names.push(`o.${names.length}`)
      }
    }
    expect(await rejection(fill())).toMatchObject({ name: 'QuotaExceededError' })
    expect(names.length).toBeGreaterThan(4)
    for (const [i, name] of names.entries()) {
      expect(difference((await blocks.get(name))!, randomBytes(100_000, i))).toBeUndefined()
    }
    // Rows are elsewhere, and work.
    expect(await metadata.commit([], [{ key: KEY, value: KEY }])).toBeTruthy()
    mounted.remount('size=3m')
    await blocks.put('o.again', KEY)
    expect(await blocks.get('o.again')).toEqual(KEY)
  })

  it('takes one round trip for each call, once its statement is prepared', async () => {
    const { metadata, blocks } = await open({ schema: newSchema(), connections: 1 }, proxy.port)
    const checks = Array.from({ length: 10 }, (_, i) => ({ key: new Uint8Array([i]), version: undefined }))
    const mutations = Array.from({ length: 100 }, (_, i) => ({ key: new Uint8Array([100 + i]), value: KEY }))
    const calls = [
      () => metadata.get(KEY),
      () => metadata.getMany!([KEY, KEY]),
      () => metadata.list({ prefix: KEY, limit: 10 }),
      () => metadata.commit(checks, mutations),
      () => metadata.commit(checks, []),
      () => blocks.put(`o.${proxy.sent}`, KEY),
      () => blocks.get('o.00'),
      () => blocks.size('o.00'),
      () => blocks.delete('o.00'),
      () => blocks.list({ prefix: 'o.', limit: 10 }),
    ]
    for (const call of calls) {
      await call()
      const { sent } = proxy
      await call()
      expect(proxy.sent - sent, String(call)).toBe(1)
    }
  })

  it('takes new connections when the network has forgotten the old ones', async () => {
    const schema = newSchema()
    // It makes the schema, which may take a busy machine longer than the other's calls may take.
    const other = await open({ schema })
    const backend = await open({ schema, connections: 1, timeoutMs: 4_000, listen: true }, proxy.port)
    const { metadata } = backend
    const heard = new Promise((resolve) => backend.notices!.subscribe(resolve))
    await metadata.get(KEY)
    proxy.isSilent = true
    const lost = await rejection(metadata.commit([], [{ key: KEY, value: KEY }]))
    expect(lost).toMatchObject({ name: 'BackendError', retryable: true, outcome: 'unknown' })
    proxy.isSilent = false
    expect(await metadata.get(KEY)).toBeUndefined()
    // It listens again, too.
    const timer = setInterval(() => other.notices!.publish('heard'), 20)
    expect(await heard).toBe('heard')
    clearInterval(timer)
  })

  it.each(['its own client', 'a client of the caller'])(
    'answers calls of %s soon after the server has restarted, however many there are',
    async (whose) => {
      // If a connection is cut while the driver asks for types, a rejection of its own stays unhandled.
      const quiet = { onnotice: () => undefined, fetch_types: false }
      const client = postgres(server.url(), { max: 8, ...quiet, backoff: () => 0.05 })
      const place = whose === 'its own client' ? server.url() : client
      const { metadata, close } = await postgresBackend(place, { schema: newSchema(), connections: 8 })
      const end = new AbortController()
      const counts = { answered: 0 }
      const failures = new Set<unknown>()
      const callers = Array.from({ length: 24 }, async (_, i) => {
        while (!end.signal.aborted) {
          const call = i % 2 === 0 ? metadata.get(KEY) : metadata.commit([], [{ key: new Uint8Array([i]), value: KEY }])
          await call.then(
            () => counts.answered++,
            (error: unknown) => failures.add((error as Error).message),
          )
        }
      })
      const progress = async (): Promise<void> => {
        const target = counts.answered + 200
        while (counts.answered < target) await Promise.race(callers.concat(sleep(10)))
      }
      await progress()
      for (const signal of ['SIGINT', 'SIGQUIT', 'SIGINT'] as const) {
        await server.stop(signal)
        await server.start()
        await progress()
      }
      end.abort()
      await Promise.all(callers)
      // A connection that was lost is not waited for.
      expect([...failures].filter((message) => /does not answer|in use/.test(String(message)))).toEqual([])
      await close()
      await client.end()
    },
  )

  it('lets a process end that closes its hive while it connects to a restarted server in order to watch', async () => {
    const child = startChild('watching-child', server.url(), newSchema())
    onTestFinished(() => void child.kill('SIGKILL'))
    const closed = once(child, 'close')
    const errors = readText(child.stderr)
    await once(child.stdout, 'data')
    await server.stop('SIGINT')
    // It pauses for up to a second between its attempts by then, so that it most probably closes in a pause.
    await sleep(1_000)
    await server.start()
    child.stdin.end()
    expect([await closed, await errors]).toEqual([[0, null], ''])
  })

  it('loses nothing that was acknowledged when the server is restarted or crashes while hives store', async () => {
    const schema = newSchema()
    const entries = new Map<string, Uint8Array>()
    const writers = await Promise.all([1, 2].map(() => open({ schema })))
    const end = new AbortController()
    let onStored = (): void => undefined
    const work = writers.map(async (backend, writer) => {
      const hive = hiveIn(backend)
      for (let i = 0; !end.signal.aborted; i++) {
        const [alias, content] = [`${writer}/${i % 20}`, randomBytes((i % 4) * BLOCK_SIZE + 10, i)]
        try {
          await put(hive, alias, content)
          entries.set(alias, content)
          onStored()
        } catch (error) {
          expect(error).toMatchObject({ name: 'BackendError' })
          // It may have become this content, or not.
          entries.delete(alias)
        }
      }
    })
    const progress = async (): Promise<void> => {
      entries.clear()
      const more = new Promise<void>((resolve) => {
        onStored = () => {
          if (entries.size > 5) resolve()
        }
      })
      await Promise.race([more, Promise.all(work)])
    }
    await progress()
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
      await server.stop(signal)
      await server.start()
      await progress()
    }
    const sql = postgres(server.url(), { max: 1 })
    const [victim] = await sql`select pid from pg_stat_activity where application_name = 'combstream' limit 1`
    await sql.end()
    // The server ends all other processes, and recovers.
    process.kill(victim!['pid'] as number, 'SIGKILL')
    await progress()
    end.abort()
    await Promise.all(work)
    await expectExactly(schema, entries)
  })
})
