import { EXPIRING, PERMANENT } from './rows.ts'
import type { Key, Mutations, PageEntry, StreamRow } from './rows.ts'
import type { StoredStream } from './scenario.ts'
import type { World } from './world.ts'

/** Writes the streams and uploads that the scenario starts with, and places its actors. */
export function setUp(world: World): void {
  const { scenario, state } = world
  // Of no use to others, and it would only add states.
  if (scenario.actors.some(({ params }) => 'atOnce' in params)) write(world, { 'v/': 1 })
  for (const stream of scenario.streams ?? []) storeStream(world, stream)
  for (const id of scenario.uploads ?? []) {
    const row: StreamRow = { status: 'storing', epoch: 'c', offset: 0 }
    write(world, { [`s/${id}`]: row, [`c/${id}`]: 1, [`up/${id}`]: { id } })
  }
  state.actors = scenario.actors.map(({ kind, params }, index) => ({
    kind,
    name: index,
    params,
    at: 'start',
    locals: {},
  }))
}

function storeStream(world: World, stream: StoredStream): void {
  const { id, text, refs = [], pins = [], expiry = PERMANENT, alias, expires, pageSet = id } = stream
  const { planted, scenario } = world
  const references = alias ? [...refs, `alias:${alias}`] : refs
  const row: StreamRow = { status: 'stored', text, offset: text.length, ...(pageSet === id ? {} : { pageSet }) }
  const mutations: Mutations = { [`s/${id}`]: row, [`h/${text}`]: id }
  if (references.length === 0 || expiry || pins.length > 0 || planted.aliasExpires) mutations[`c/${id}`] = 1
  for (const pin of pins) mutations[`r/${id}/${pin}`] = { expiry: EXPIRING }
  for (const reference of references) {
    mutations[`r/${id}/${reference}`] = { expiry: planted.aliasExpires && expires ? EXPIRING : expiry }
  }
  if (alias) {
    mutations[`a/${alias}`] = { id, etag: text, ...(expires ? { expiry: EXPIRING } : {}) }
    if (expires) mutations[`e/a/${alias}`] = 1
  }
  const pages: Record<Key<'m'>, PageEntry[]> = {}
  for (const [index, digest] of Array.from(text).entries()) {
    const page = `m/${pageSet}/${Math.floor(index / world.pageSize)}` as const
    const shared = scenario.sharesBlocks && world.row(`b/${digest}`)?.objectName
    const objectName = shared || `${digest}${id}`
    world.setObject(objectName, digest)
    pages[page] = [...(pages[page] ?? []), [objectName, digest]]
    if (!scenario.sharesBlocks) continue
    mutations[`b/${digest}`] = { objectName }
    mutations[`br/${objectName}/${pageSet}`] = 1
  }
  write(world, { ...mutations, ...pages })
}

function write(world: World, mutations: Mutations): void {
  world.perform({ kind: 'commit', checks: [], mutations })
}
