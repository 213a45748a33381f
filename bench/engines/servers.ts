import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { LocalHive, StreamStore } from 'combstream'
import { postgresBackend } from 'combstream/backends/postgres'
import { s3Blocks } from 'combstream/backends/s3'
import postgres from 'postgres'
import { PostgresServer } from '../../node-tests/support/postgres-server.ts'
import { type ObjectGateway, startCeph, stopCeph } from '../../node-tests/support/start-ceph.ts'
import { type Contest, type Cost, holdContests, timed } from '../contest.ts'
import { drain } from '../drain.ts'
import { noise } from '../noise.ts'
import { asStream, bareObjects, bareRows, type BareBlocks } from './bare-servers.ts'
import type { EnginesBenchOptions } from './browsers.ts'
import { writePieces } from './write-pieces.ts'

const BLOCK_BYTES = 1_000_000
/** As many as a sink has on their way, and as a reader fetches at a time. */
const PUTS = 8
const GETS = 4
/** The least share of the throughput of the bare client. */
const TARGET = 0.7

/** Prints a table of the backends for servers, beside bare clients that move the same blocks. */
export async function benchServers({ directory, byteLength, rounds, only }: EnginesBenchOptions): Promise<void> {
  const names = ['postgres', 's3'].filter((name) => name.includes(only))
  if (names.length === 0) return
  const server = await PostgresServer.start()
  const folder = join(directory, 'ceph')
  mkdirSync(folder)
  const closings: (() => Promise<unknown>)[] = []
  try {
    const contests: Contest[] = []
    for (const name of names) {
      const gateway = name === 's3' ? await startCeph(folder) : undefined
      const sql = postgres(server.url(), { max: PUTS, onnotice: () => undefined })
      const bare = gateway ? bareObjects(gateway, sql) : bareRows(sql)
      const { store, hive } = await openHive(server, name, gateway)
      closings.push(
        () => store.close(),
        () => sql.end(),
      )
      await bare.begin()
      const label = gateway ? 'PostgreSQL + S3' : 'PostgreSQL'
      contests.push(storing(label, byteLength, store, hive, bare), await reading(label, byteLength, hive, bare))
      if (!gateway) continue
      const { target: _, ...contest } = storing(label, byteLength, store, hive, bareObjects(gateway, sql, asStream))
      contests.push({ ...contest, peerName: 'the same, which sends streams, as the store does, and signs no body' })
    }
    await holdContests(`backends on servers, ${byteLength / 2 ** 20} MiB`, contests, rounds)
  } finally {
    for (const close of closings) await close()
    stopCeph(folder)
    await server.close()
  }
}

async function openHive(
  server: PostgresServer,
  schema: string,
  gateway: ObjectGateway | undefined,
): Promise<{ store: StreamStore; hive: LocalHive }> {
  const blocks = gateway && s3Blocks({ ...gateway, prefix: 'hive' })
  const store = new StreamStore(await postgresBackend(server.url(), { schema, ...(blocks && { blocks }) }))
  return { store, hive: new LocalHive(store) }
}

/** Contents are new in each round, since the store would keep only one copy. */
let seed = 1

function storing(label: string, byteLength: number, store: StreamStore, hive: LocalHive, bare: BareBlocks): Contest {
  return {
    ...commonOf(`store, ${label}`, byteLength),
    peerName: 'the driver alone: the same blocks, 8 in flight, and a row for every 8 of them',
    async ours(): Promise<Cost> {
      const blocks = cut(noise(byteLength, seed++))
      const cost = await timed(() => writePieces(hive.sink('new'), blocks))
      await hive.remove('new')
      for (let i = 0; i < 2; i++) await store.collectGarbage({ graceMs: 0 })
      return cost
    },
    async peer(): Promise<Cost> {
      const blocks = cut(noise(byteLength, seed++))
      const names = blocks.map((_, index) => `new-${index}`)
      const cost = await timed(() => inFlight(PUTS, names, (name, index) => bare.put(name, blocks[index]!)))
      await inFlight(PUTS, names, (name) => bare.remove(name))
      return cost
    },
  }
}

async function reading(label: string, byteLength: number, hive: LocalHive, bare: BareBlocks): Promise<Contest> {
  const blocks = cut(noise(byteLength, seed++))
  const names = blocks.map((_, index) => `kept-${index}`)
  await writePieces(hive.sink('kept'), blocks)
  await inFlight(PUTS, names, (name, index) => bare.put(name, blocks[index]!))
  return {
    ...commonOf(`read, ${label}`, byteLength),
    peerName: 'the driver alone: the same blocks, 4 in flight',
    ours: () => timed(async () => drain((await hive.open('kept')).stream())),
    peer: () => timed(() => inFlight(GETS, names, (name) => bare.get(name))),
  }
}

function commonOf(what: string, byteLength: number): Pick<Contest, 'what' | 'amount' | 'unit' | 'target'> {
  return { what, amount: byteLength / 1e6, unit: 'MB', target: TARGET }
}

function cut(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const count = Math.ceil(bytes.byteLength / BLOCK_BYTES)
  return Array.from({ length: count }, (_, index) => bytes.slice(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES))
}

/** Calls `work` for all names, for so many at a time. */
async function inFlight(
  count: number,
  names: readonly string[],
  work: (name: string, index: number) => Promise<unknown>,
): Promise<void> {
  const entries = names.entries()
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (const [index, name] of entries) await work(name, index)
    }),
  )
}
