import { connect, createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { postgresBackend, type PostgresBackendOptions } from '../../src/backends/postgres.ts'
import { PostgresMetadata } from '../../src/backends/postgres/postgres-metadata.ts'
import { prepareSchema, SCHEMA_STEPS } from '../../src/backends/postgres/schema.ts'
import { ServerCalls } from '../../src/backends/postgres/server-calls.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { type Backend, StreamStore } from '../../src/store.ts'
import { backendCases } from '../../src/testing.ts'
import { elsewhereSuite } from '../support/elsewhere-suite.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { sample } from '../support/sample.ts'
import { settledBackend } from '../support/settled-backend.ts'
import { pending, rejection } from '../support/streams.ts'

const KEY = new Uint8Array([1])

let server: PostgresServer
/** A client as an application may have it, with settings that must not matter. */
let sql: postgres.Sql
const backends: Backend[] = []
let schemas = 0

beforeAll(async () => {
  server = await PostgresServer.start()
  sql = postgres(server.url(), { max: 4, onnotice: () => undefined, transform: postgres.camel })
})

afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
})

afterAll(async () => {
  await sql?.end({ timeout: 0 })
  await server?.close()
})

const newSchema = (): string => `hive_${schemas++}`

/** Opens a backend from a URL, which is closed after the test. */
async function open(options: PostgresBackendOptions = {}, url = server.url()): Promise<Backend> {
  const backend = await postgresBackend(url, { connections: 2, schema: newSchema(), listen: false, ...options })
  backends.push(backend)
  return backend
}

describe('postgresBackend', () => {
  const empty = async (): Promise<Backend> => {
    const backend = await postgresBackend(sql, { schema: 'cases', listen: false })
    await sql`truncate cases.rows, cases.blocks`
    return backend
  }

  const reopen = (): Promise<Backend> => postgresBackend(sql, { schema: 'cases', listen: false })
  it.each(sample(backendCases(empty, { reopen })))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  const withFaults = backendCases(async () => settledBackend(await empty()), { reopen })
  it.each(sample(withFaults))('$name, with faults', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  it('keeps rows and objects when it is closed, and continues to count versions', async () => {
    const schema = newSchema()
    const first = await open({ schema })
    const version = (await first.metadata.commit([], [{ key: KEY, value: KEY }])) as string
    await first.blocks.put('o.00', KEY)
    await first.close()
    const { metadata, blocks } = await open({ schema })
    expect(await metadata.get(KEY)).toEqual({ value: KEY, version })
    expect(await blocks.get('o.00')).toEqual(KEY)
    expect(BigInt((await metadata.commit([], [{ key: KEY, value: KEY }])) as string)).toBeGreaterThan(BigInt(version))
  })

  it('creates a schema once, however many nodes open it at the same time', async () => {
    // A name that SQL reserves.
    for (const schema of ['user', newSchema()]) {
      const opened = await Promise.all([1, 2, 3].map(() => open({ schema, connections: 1 })))
      await opened[0]!.metadata.commit([], [{ key: KEY, value: KEY }])
      for (const { metadata } of opened) expect((await metadata.get(KEY))?.value).toEqual(KEY)
    }
  })

  it('keeps values and blocks uncompressed, so that no time is spent on bytes that are compressed already', async () => {
    const schema = newSchema()
    await open({ schema })
    const columns = await sql`
      select attrelid::regclass::text as table, attname as column, attstorage as storage from pg_attribute
      where attrelid in (${`${schema}.rows`}::regclass, ${`${schema}.blocks`}::regclass) and attname in ('value', 'bytes')
      order by 1`
    const external = 'e'
    expect(columns.map((row) => ({ ...row }))).toEqual([
      { table: `${schema}.blocks`, column: 'bytes', storage: external },
      { table: `${schema}.rows`, column: 'value', storage: external },
    ])
  })

  it('tells a hive on another backend object what has changed', async () => {
    const schema = newSchema()
    const [here, there] = await Promise.all([open({ schema, listen: true }), open({ schema, listen: true })])
    const watching = new LocalHive(new StreamStore(there)).watch().getReader()
    const own = new LocalHive(new StreamStore(here)).watch().getReader()
    const hive = new LocalHive(new StreamStore(here))
    // What is answered after it has begun to watch comes after it listens.
    await Promise.all([here, there].map(({ metadata }) => metadata.get(KEY)))
    // A name whose notice has every kind of character, and is as long as can be.
    const alias = `"\\\u0001é💧${'\u0002'.repeat(1013)}`
    await new Blob(['honey']).stream().pipeTo(hive.sink(alias))
    await hive.remove(alias)
    const { etag } = (await watching.read()).value!
    expect(etag).toBeDefined()
    expect((await watching.read()).value).toEqual({ alias, etag: undefined })
    // Its own notices come at once, and once.
    expect((await own.read()).value).toEqual({ alias, etag: undefined })
    await new Blob(['honey']).stream().pipeTo(hive.sink('last'))
    expect((await own.read()).value?.alias).toBe('last')
  })

  it('says that changes may have been missed once it listens again', async () => {
    const schema = newSchema()
    const [here, there] = await Promise.all([open({ schema, listen: true }), open({ schema, listen: true })])
    const hive = new LocalHive(new StreamStore(here))
    const store = async (alias: string): Promise<void> => {
      await new Blob(['honey']).stream().pipeTo(hive.sink(alias))
    }
    const watching = new LocalHive(new StreamStore(there)).watch().getReader()
    await there.metadata.get(KEY)
    await store('first')
    // Listening for the first time misses nothing.
    expect((await watching.read()).value?.alias).toBe('first')
    for (let round = 0; round < 2; round++) {
      const cut = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity where query = ${`listen "combstream_${schema}"`}`
      expect(cut).toHaveLength(1)
      await store('lost')
      // What happened before that may come first.
      while ((await watching.read()).value?.alias !== undefined);
      await store('last')
      while ((await watching.read()).value?.alias !== 'last');
    }
  })

  it('takes a connection to listen only once somebody watches', async () => {
    const schema = newSchema()
    const backend = await open({ schema, listen: true })
    const { metadata, notices } = backend
    await metadata.get(KEY)
    const listening = async (): Promise<number> => {
      const found = await sql`select query from pg_stat_activity where query = ${`listen "combstream_${schema}"`}`
      return found.length
    }
    expect(await listening()).toBe(0)
    for (let i = 0; i < 2; i++) notices!.subscribe(() => undefined)
    await metadata.get(KEY)
    expect(await listening()).toBe(1)
  })

  it('ends a call that waits until the server listens when its signal aborts, or the backend is closed', async () => {
    const calls = new ServerCalls(sql, { timeoutMs: 1_000_000 })
    calls.holdFor(new Promise(() => {}), 1_000_000, () => undefined)
    const controller = new AbortController()
    const call = { what: 'cannot read', statement: 'select 1', parameters: [], changes: false }
    const given = [controller.signal, undefined].map((signal) => rejection(calls.run({ ...call, signal })))
    controller.abort('stop')
    expect(await given[0]).toBe('stop')
    await calls.close()
    expect(await given[1]).toMatchObject({ name: 'TypeError', message: 'the backend is closed' })
  })

  it('keeps the blocks in another backend if it is told to, and must be opened with it again', async () => {
    const schema = newSchema()
    const elsewhere = memoryBackend()
    const backend = await open({ schema, blocks: { ...elsewhere, limits: { blockBytes: 7 } } })
    expect(backend.limits).toEqual({ blockBytes: 7 })
    await backend.blocks.put('o.00', KEY)
    expect(await elsewhere.blocks.get('o.00')).toEqual(KEY)
    expect(await rejection(open({ schema }))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
    await backend.close()
    expect(await rejection(elsewhere.blocks.get('o.00'))).toBeInstanceOf(Error)

    const together = newSchema()
    await open({ schema: together })
    const apart = open({ schema: together, blocks: memoryBackend() })
    expect(await rejection(apart)).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })

  it('sends notices of any characters through a database that does not have them', async () => {
    await sql.unsafe(`create database latin encoding 'LATIN1' template template0`)
    const url = server.url().replace(/[^/]*$/, 'latin')
    const [here, there] = await Promise.all([1, 2].map(() => open({ schema: 'bees', listen: true }, url)))
    const received = new Promise<string>((resolve) => there!.notices!.subscribe(resolve))
    await there!.metadata.get(KEY)
    // Another program may use the channel, too.
    const client = postgres(url, { max: 1 })
    for (const payload of ['buzz', 'a buzz', 'a 1']) await client.notify('combstream_bees', payload)
    await client.end()
    const notice = '💧é\u0000\u007f"\\u00e9'
    here!.notices!.publish(notice)
    expect(await received).toBe(notice)
  })

  elsewhereSuite({
    newPlace: newSchema,
    open: (schema, blocks) => open({ schema, blocks, connections: 1 }),
    forgetClaim: async (schema) => void (await sql.unsafe(`update ${schema}.format set claimed = false`)),
    hasClaimed: async (schema) => (await sql.unsafe(`select claimed from ${schema}.format`))[0]!['claimed'] === true,
  })

  it('creates nothing if it must not', async () => {
    const schema = newSchema()
    const elsewhere = memoryBackend()
    for (const blocks of [undefined, elsewhere]) {
      const error = await rejection(open({ schema, create: false, blocks }))
      expect(error).toMatchObject({ name: 'NotFoundError', message: `there is no hive in the schema ${schema}` })
    }
    expect(await sql`select from pg_namespace where nspname = ${schema}`).toHaveLength(0)
    expect(await elsewhere.blocks.list({ prefix: '', limit: 1 })).toEqual([])
    await open({ schema })
    await open({ schema, create: false })
  })

  it('refuses a schema of another program, and one of a later version', async () => {
    const others = [
      'create table %.bees (name text)',
      'create table %.format (name text)',
      'create table %.format (version int, blocks text, id text, claimed boolean)',
      'create function %.buzz() returns int language sql as $$ select 1 $$',
      `create type %.caste as enum ('queen', 'worker', 'drone')`,
    ]
    for (const other of others) {
      const application = newSchema()
      await sql.unsafe(`create schema ${application}; ${other.replace('%', application)}`)
      expect(await rejection(open({ schema: application }))).toMatchObject({ name: 'FormatError', reason: 'magic' })
    }
    const prepared = newSchema()
    await sql.unsafe(
      `create schema ${prepared}; alter default privileges in schema ${prepared} grant select on tables to public`,
    )
    await open({ schema: prepared })
    const schema = newSchema()
    await open({ schema })
    await sql.unsafe(`update ${schema}.format set version = 99`)
    expect(await rejection(open({ schema }))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })

  it('adds to a schema of an earlier version what is missing, once, and keeps what is there', async () => {
    const schema = newSchema()
    const { metadata } = await open({ schema })
    await metadata.commit([], [{ key: KEY, value: KEY }])
    const calls = new ServerCalls(sql, { timeoutMs: 10_000 })
    const steps = [...SCHEMA_STEPS, (name: string) => `create table ${name}.later (number int);`]
    await Promise.all([1, 2, 3].map(() => prepareSchema(calls, schema, { blocks: 'postgres', create: false, steps })))
    expect(await sql.unsafe(`select version from ${schema}.format`)).toMatchObject([{ version: steps.length }])
    expect(await sql.unsafe(`select from ${schema}.later`)).toHaveLength(0)
    expect((await metadata.get(KEY))?.value).toEqual(KEY)
  })

  it('reads and writes the same after statements of the application that fail between two rows', async () => {
    const client = postgres(server.url(), { max: 1, onnotice: () => undefined })
    const { metadata, blocks } = await postgresBackend(client, { schema: newSchema(), listen: false })
    const after = async <T>(call: () => Promise<T>): Promise<T> => {
      await rejection(client`select 1 / (4 - i) from generate_series(1, 9) as i`)
      return call()
    }
    const first = await after(() => metadata.commit([], [{ key: KEY, value: KEY }]))
    await after(() => blocks.put('o.00', KEY))
    const row = { key: KEY, value: KEY, version: first }
    expect(await after(() => metadata.get(KEY))).toMatchObject({ value: KEY, version: first })
    expect(await after(() => metadata.getMany!([KEY]))).toMatchObject([{ value: KEY, version: first }])
    expect(await after(() => metadata.list({ prefix: KEY, limit: 9 }))).toEqual([row])
    expect(await after(() => metadata.commit([{ key: KEY, version: row.version as string }], []))).toBe('0')
    expect(await after(() => blocks.get('o.00'))).toEqual(KEY)
    expect(await after(() => blocks.size('o.00'))).toBe(1)
    expect(await after(() => blocks.list({ prefix: '', limit: 9 }))).toEqual([{ name: 'o.00', size: 1 }])
    await client.end()
  })

  it('does not believe an answer without rows that the server has given', async () => {
    const answer = Object.assign([], { command: 'SELECT', count: 1 })
    const client = { options: { max: 1 }, unsafe: () => ({ raw: () => Promise.resolve(answer) }) }
    const metadata = rowsWithin(client as unknown as postgres.Sql, 'any', 1_000)
    const commit = (): Promise<unknown> => rejection(metadata.commit([], [{ key: KEY, value: KEY }]))
    expect(await commit()).toMatchObject({ name: 'BackendError', retryable: true, outcome: 'unknown' })
    answer.count = 0
    expect(await commit()).toMatchObject({ name: 'BackendError', retryable: true, outcome: 'unknown' })
    answer.count = 1
    expect(await rejection(rowsWithin(client as unknown as postgres.Sql, 'any', 1).get(KEY))).toMatchObject({
      name: 'BackendError',
      retryable: true,
      outcome: undefined,
    })
  })

  describe('with a transaction that the caller has open', () => {
    const A = new TextEncoder().encode('a')
    let backend: Backend
    let store: StreamStore
    let id: string
    let app: string

    beforeAll(async () => {
      const schema = newSchema()
      backend = await postgresBackend(server.url(), { connections: 2, schema, listen: false })
      store = new StreamStore(backend, { leaseMs: 0 })
      const sink = store.sink()
      await new Blob(['honey']).stream().pipeTo(sink)
      ;({ id } = await sink.stored)
      app = `app_${schema}`
      await sql.unsafe(`create table ${app} (stream text)`)
    })

    afterAll(() => backend?.close())

    const rowsOfApp = async (): Promise<unknown[]> => [...(await sql.unsafe(`select stream from ${app}`))]
    const valueOf = (key: Uint8Array): Promise<Uint8Array | undefined> => store.transaction((tx) => tx.get(key))

    it('commits references and rows together with the tables of the caller, and not before', async () => {
      await sql.begin(async (join) => {
        await join.unsafe(`insert into ${app} values ($1)`, [id])
        const inside = await store.transaction(
          async (tx) => {
            await tx.markAsUsed(id, A)
            tx.set(A, A)
            return new Response((await tx.open(id)).stream()).text()
          },
          { join },
        )
        expect(inside).toBe('honey')
        expect(await store.transaction((tx) => tx.get(A), { join })).toEqual(A)
        expect(await valueOf(A)).toBeUndefined()
      })
      expect(await rowsOfApp()).toEqual([{ stream: id }])
      expect(await valueOf(A)).toEqual(A)
      await store.collectGarbage({ graceMs: 0 })
      expect((await store.open(id)).size).toBe(5)
    })

    it('changes nothing if the caller rolls back', async () => {
      const reason = new Error('the caller has changed its mind')
      const undone = sql.begin(async (join) => {
        await join.unsafe(`delete from ${app}`)
        await store.transaction(
          async (tx) => {
            await tx.unmarkAsUsed(id, A)
            tx.delete(A)
          },
          { join },
        )
        throw reason
      })
      expect(await rejection(undone)).toBe(reason)
      expect(await rowsOfApp()).toHaveLength(1)
      expect(await valueOf(A)).toEqual(A)
      await store.collectGarbage({ graceMs: 0 })
      expect((await store.open(id)).size).toBe(5)
    })

    it('links and removes entries together with the tables of the caller, or not at all', async () => {
      const hive = new LocalHive(store)
      await new Blob(['old']).stream().pipeTo(hive.sink('old'))
      for (const reason of [new Error('the caller has changed its mind'), undefined]) {
        const done = sql.begin(async (join) => {
          await hive.link('new', id, { join })
          await hive.remove('old', { join })
          expect((await hive.list()).entries).toMatchObject([{ alias: 'old' }])
          if (reason) throw reason
        })
        if (reason) expect(await rejection(done)).toBe(reason)
        else await done
      }
      expect((await hive.list()).entries).toMatchObject([{ alias: 'new', size: 5 }])
    })

    it('keeps a collection from taking a stream that is marked in it', async () => {
      const sink = store.sink()
      await new Blob(['wax']).stream().pipeTo(sink)
      const wax = (await sink.stored).id
      let collection: Promise<unknown> | undefined
      await sql.begin(async (join) => {
        await store.transaction((tx) => tx.markAsUsed(wax, A), { join })
        // It cannot see the reference yet, and waits for the row of the stream.
        collection = store.collectGarbage({ graceMs: 0 })
        await expect.poll(async () => (await sql`select from pg_locks where not granted`).length).toBeGreaterThan(0)
      })
      await collection
      expect((await store.open(wax)).size).toBe(3)
    })

    it('keeps what it has only read as it is until the caller commits', async () => {
      let change: Promise<void> | undefined
      await sql.begin(async (join) => {
        const read = await store.transaction((tx) => tx.get(A), { join })
        change = store.transaction(async (other) => other.set(A, new Uint8Array([9])))
        await expect.poll(async () => (await sql`select from pg_locks where not granted`).length).toBeGreaterThan(0)
        expect(await store.transaction((tx) => tx.get(A), { join })).toEqual(read)
      })
      await change
      expect(await valueOf(A)).toEqual(new Uint8Array([9]))
    })

    it('runs again if others have changed meanwhile what it has read', async () => {
      let runs = 0
      await sql.begin((join) =>
        store.transaction(
          async (tx) => {
            const value = await tx.get(A)
            if (runs++ === 0) await store.transaction(async (other) => other.set(A, new Uint8Array([7])))
            tx.set(A, new Uint8Array([...value!, ...A]))
          },
          { join },
        ),
      )
      expect([runs, await valueOf(A)]).toEqual([2, new Uint8Array([7, ...A])])
    })

    it('needs no other connection, also when the store has done nothing before', async () => {
      const client = postgres(server.url(), { max: 1, onnotice: () => undefined })
      const fresh = new StreamStore(await postgresBackend(client, { schema: newSchema(), listen: false }))
      await client.begin((join) => fresh.transaction(async (tx) => tx.set(A, A), { join }))
      expect(await fresh.transaction((tx) => tx.get(A))).toEqual(A)
      await client.end()
    })

    it('needs no other connection to link, rename and remove an entry', async () => {
      const client = postgres(server.url(), { max: 1, onnotice: () => undefined })
      // Fails within the time of a test.
      const options = { schema: newSchema(), listen: false, timeoutMs: 2_000 }
      const fresh = new StreamStore(await postgresBackend(client, options))
      const hive = new LocalHive(fresh)
      const sink = fresh.sink()
      await new Blob(['honey']).stream().pipeTo(sink)
      const stored = await sink.stored
      const aliases = async (): Promise<string[]> => (await hive.list()).entries.map(({ alias }) => alias)
      await client.begin((join) => hive.link('new', stored.id, { join }))
      expect(await aliases()).toEqual(['new'])
      await client.begin((join) => hive.rename('new', 'old', { join }))
      expect(await aliases()).toEqual(['old'])
      await client.begin((join) => hive.remove('old', { join }))
      expect(await aliases()).toEqual([])
      await client.end()
    })

    it('changes nothing in another transaction, nor after its own, and does the other one no harm', async () => {
      const client = postgres(server.url(), { max: 1, onnotice: () => undefined })
      const fresh = new StreamStore(await postgresBackend(client, { schema: newSchema(), listen: false }))
      const begin = async (): Promise<{ end: () => void; result: Promise<unknown> }> => {
        let end = (): void => undefined
        const ended = new Promise<void>((resolve) => (end = resolve))
        let result: Promise<unknown> | undefined
        await client.begin(async (join) => {
          const late = fresh.transaction(
            async (tx) => {
              await ended
              tx.set(A, A)
            },
            { join },
          )
          result = rejection(late)
        })
        return { end, result: result! }
      }
      const refusal = { name: 'BackendError', message: expect.stringContaining('has ended'), outcome: undefined }
      const afterwards = await begin()
      afterwards.end()
      expect(await afterwards.result).toMatchObject(refusal)
      const inside = await begin()
      const before = (await rowsOfApp()).length
      await client.begin(async (other) => {
        await other.unsafe(`insert into ${app} values ('other')`)
        inside.end()
        expect(await inside.result).toMatchObject(refusal)
      })
      expect(await rowsOfApp()).toHaveLength(before + 1)
      await sql.unsafe(`delete from ${app} where stream = 'other'`)
      expect(await fresh.transaction((tx) => tx.get(A))).toBeUndefined()
      await client.end()
    })

    it('refuses a transaction in another database, whether that has such a schema or not', async () => {
      await sql.unsafe('create database elsewhere')
      const url = server.url().replace(/[^/]*$/, 'elsewhere')
      const client = postgres(url, { max: 2, onnotice: () => undefined })
      const schema = newSchema()
      const here = new StreamStore(await open({ schema }))
      const set = (join: unknown): Promise<void> => here.transaction(async (tx) => tx.set(A, A), { join })
      expect(await rejection(client.begin(set))).toMatchObject({ name: 'TypeError' })
      const there = new StreamStore(await open({ schema }, url))
      expect(await rejection(client.begin(set))).toMatchObject({ name: 'TypeError' })
      expect(await there.transaction((tx) => tx.get(A))).toBeUndefined()
      await client.end()
    })

    it('takes only transactions of its engine', async () => {
      const work = async (): Promise<void> => undefined
      // Each of its statements would be a transaction of its own.
      for (const join of [sql, {}, null, 'tx']) {
        expect(await rejection(store.transaction(work, { join }))).toMatchObject({ name: 'TypeError' })
      }
      const inMemory = new StreamStore(memoryBackend())
      await sql.begin(async (join) => {
        expect(await rejection(inMemory.transaction(work, { join }))).toMatchObject({ name: 'TypeError' })
      })
    })
  })

  it('leaves a client that it was given open', async () => {
    const backend = await postgresBackend(sql, { schema: 'cases' })
    await backend.close()
    expect(await rejection(backend.metadata.get(KEY))).toMatchObject({ name: 'TypeError' })
    expect(await sql`select 1 as one`).toMatchObject([{ one: 1 }])
  })

  it('refuses wrong arguments, without showing a password', async () => {
    for (const wrong of ['localhost', 'mysql://user:secret@host/', 7 as unknown as string, {} as unknown as string]) {
      const error = await rejection(postgresBackend(wrong))
      expect(error).toMatchObject({ name: 'TypeError' })
      expect(String(error)).not.toContain('secret')
    }
    // The driver does not take these, and its error has the URL as a property.
    for (const url of [
      'user:secret@host:port/',
      'user:sec#secret@host/',
      'user:secret%@host/',
      'user:secret@host:99999/',
    ]) {
      const error = await rejection(postgresBackend(`postgres://${url}`))
      expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining('percent-encoded') })
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('secret')
    }
    for (const options of [{ schema: 'a"b' }, { schema: '' }, { blocks: {} as Backend }, { connections: 0.5 }]) {
      expect(await rejection(open(options))).toMatchObject({ name: 'TypeError' })
    }
    for (const options of [{ connections: 0 }, { timeoutMs: 0 }]) {
      expect(await rejection(open(options))).toMatchObject({ name: 'RangeError' })
    }
  })

  it('gives up at once when a call is aborted, whatever the server does', async () => {
    const schema = newSchema()
    const { metadata } = await open({ schema, connections: 1 })
    await metadata.commit([], [{ key: KEY, value: KEY }])
    const abort = new AbortController()
    const { signal } = abort
    await sql.begin(async (tx) => {
      await tx.unsafe(`lock table ${schema}.rows in access exclusive mode`)
      // The first one is at the server, and the others wait for its connection.
      const calls = [
        metadata.get(KEY, { signal }),
        metadata.commit([], [{ key: KEY, value: undefined }], { signal }),
        metadata.list({ prefix: KEY, limit: 1, signal }),
      ]
      const reasons = Promise.all(calls.map(rejection))
      abort.abort('enough')
      expect(await reasons).toEqual(['enough', 'enough', 'enough'])
    })
    expect((await metadata.get(KEY))?.value).toEqual(KEY)
  })

  /** The rows of a schema, for which a call has this much time. */
  const rowsWithin = (client: postgres.Sql, schema: string, timeoutMs: number, lockTimeoutMs = 1): PostgresMetadata =>
    new PostgresMetadata(new ServerCalls(client, { timeoutMs }), { schema: `"${schema}"`, id: '', lockTimeoutMs })

  it('fails when its time is over, and says so if a commit is not applied because another transaction has a lock', async () => {
    const schema = newSchema()
    await open({ schema })
    await sql.begin(async (tx) => {
      await tx.unsafe(`select ${schema}.commit_rows('{1,0}', '{}', '\\x01', null, null)`)
      const patient = rowsWithin(sql, schema, 60_000)
      const error = await rejection(patient.commit([{ key: KEY, version: undefined }], [{ key: KEY, value: KEY }]))
      expect(error).toMatchObject({ name: 'BackendError', retryable: true, outcome: undefined })
      await tx.unsafe(`lock table ${schema}.rows in access exclusive mode`)
      const read = rowsWithin(sql, schema, 50).get(KEY)
      expect(await rejection(read)).toMatchObject({ name: 'BackendError', retryable: true })
    })
  })

  it('waits for a connection if all are in use, and says so when its time is over', async () => {
    const schema = newSchema()
    await open({ schema })
    const client = postgres(server.url(), { max: 1 })
    let waiting: Promise<unknown> | undefined
    await client.begin(async () => {
      const read = rowsWithin(client, schema, 50).get(KEY)
      expect(await rejection(read)).toMatchObject({ name: 'BackendError', retryable: true })
      waiting = rowsWithin(client, schema, 60_000).get(KEY)
      expect(await pending(waiting)).toBe(true)
    })
    expect(await waiting).toBeUndefined()
    await client.end()
  })

  it('refuses to commit in a transaction that does not see what others have committed since', async () => {
    const isolated = { connection: { default_transaction_isolation: 'serializable' as const }, max: 1 }
    const client = postgres(server.url(), isolated)
    const { metadata } = await postgresBackend(client, { schema: 'cases', listen: false })
    const error = await rejection(metadata.commit([], [{ key: KEY, value: KEY }]))
    expect(error).toMatchObject({ name: 'BackendError', retryable: false, outcome: undefined })
    expect(String(error)).toContain('READ COMMITTED, not SERIALIZABLE')
    await client.end()
  })

  it('says so if the server sends bytes in another form', async () => {
    const schema = newSchema()
    for (const setting of [{ bytea_output: 'escape' }, { array_nulls: 'off' }]) {
      const client = postgres(server.url(), { connection: setting, max: 1 })
      const error = await rejection(postgresBackend(client, { schema, listen: false }))
      expect(error).toMatchObject({ name: 'BackendError', retryable: false })
      await client.end()
    }
    expect(await sql`select from pg_namespace where nspname = ${schema}`).toHaveLength(0)
    await open({ schema }, `${server.url()}?bytea_output=hex`)
    // The setting may be changed later.
    const client = postgres(server.url(), { connection: { bytea_output: 'escape' }, max: 1 })
    const metadata = rowsWithin(client, schema, 10_000, 10_000)
    await metadata.commit([], [{ key: KEY, value: KEY }])
    expect(await rejection(metadata.get(KEY))).toMatchObject({ name: 'BackendError', retryable: false })
    await client.end()
  })

  it('waits while it is being opened for a server that restarts', async () => {
    const STARTING = new TextEncoder().encode('E\0\0\0\u0020SFATAL\0C57P03\0Mstarting up\0\0')
    let connections = 0
    const restarting = createServer((socket) => {
      socket.on('error', () => undefined)
      connections++
      if (connections === 1) socket.destroy()
      else if (connections === 2) socket.end(STARTING)
      else {
        const upstream = connect(server.port, '127.0.0.1')
        upstream.on('error', () => undefined)
        socket.pipe(upstream).pipe(socket)
      }
    })
    await new Promise<void>((resolve) => restarting.listen(0, '127.0.0.1', resolve))
    const backend = await open({ connections: 1 }, server.url((restarting.address() as AddressInfo).port))
    expect(await backend.metadata.get(KEY)).toBeUndefined()
    expect(connections).toBeGreaterThan(2)
    await backend.close()
    restarting.close()
  })

  it('repeats a call that found no server, also while it is being opened', async () => {
    let calls = 0
    const answer = Object.assign([], { command: 'SELECT', count: 0 })
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    const raw = (): Promise<unknown> => (calls++ === 0 ? Promise.reject(refused) : Promise.resolve(answer))
    const client = { options: { max: 1 }, unsafe: () => ({ raw }) } as unknown as postgres.Sql
    const call = { what: 'cannot open', statement: '', parameters: [], changes: false, signal: undefined }
    expect(await new ServerCalls(client, { timeoutMs: 60_000 }).runToOpen(call)).toEqual([])
    expect(calls).toBe(2)
  })

  it('makes one client in place of one that is silent, however many calls it leaves without an answer', async () => {
    let ended = 0
    const client = {
      options: { max: 5 },
      unsafe: () => ({ raw: () => new Promise(() => undefined) }),
      end: async () => void ended++,
    } as unknown as postgres.Sql
    const calls = new ServerCalls(client, { timeoutMs: 50, renew: () => client })
    const call = { what: 'cannot read', statement: '', parameters: [], changes: false, signal: undefined }
    for (const error of await Promise.all([1, 2, 3, 4, 5].map(() => rejection(calls.run(call))))) {
      expect(error).toMatchObject({ name: 'BackendError', retryable: true })
    }
    expect(ended).toBe(1)
  })

  it('fails with a BackendError if there is no such server, or no such database', async () => {
    expect(await rejection(open({ timeoutMs: 50 }, 'postgres://nobody@127.0.0.1:1/'))).toMatchObject({
      name: 'BackendError',
      retryable: true,
    })
    expect(await rejection(open({}, `${server.url()}_absent`))).toMatchObject({
      name: 'BackendError',
      retryable: false,
    })
  })
})
