import { PERMANENT } from '../rows.ts'
import type { Key, StreamRow } from '../rows.ts'
import { pageSetOf } from '../world.ts'
import type { World } from '../world.ts'

/** Checks the invariants that rows and objects must satisfy in every state. Returns the first violation, or null. */
export function safety(world: World): string | null {
  return (
    firstProblem(world.keys('r/'), (key) => referenceProblem(world, key)) ??
    firstProblem(world.keys('a/'), (key) => aliasProblem(world, key)) ??
    firstProblem(world.keys('applied/'), (key) => ((world.row(key) ?? 0) > 1 ? 'one write applied twice' : null)) ??
    firstProblem(world.keys('told404/'), (key) => {
      const applied = world.row(`applied/up/${key.slice('told404/'.length)}`)
      return applied ? 'an upload came to its end after its client was told that it is gone' : null
    }) ??
    firstProblem(world.keys('h/'), (key) => digestProblem(world, key)) ??
    streamProblem(world) ??
    firstProblem([...world.keys('a/'), ...world.keys('p/'), ...world.keys('up/')], (key) => {
      const indexed = world.row(`e/${key}`) !== null
      return Boolean(world.row(key)?.expiry) === indexed ? null : `${key} and the index by time disagree`
    }) ??
    firstProblem(world.keys('up/'), (key) => uploadProblem(world, key))
  )
}

function firstProblem<K>(keys: readonly K[], problemOf: (key: K) => string | null): string | null {
  for (const key of keys) {
    const problem = problemOf(key)
    if (problem !== null) return problem
  }
  return null
}

/** A live reference belongs to a stored stream whose every block is kept. */
function referenceProblem(world: World, key: Key<'r'>): string | null {
  if (!world.isLive(key)) return null
  const id = key.split('/')[1] ?? ''
  const stream = world.row(`s/${id}`)
  const status = stream?.status ?? 'gone'
  if (!world.isUsable(stream)) return `${key}: stream is ${status}`
  const pageSet = pageSetOf(stream, id)
  const blocks = world.blocksOf(id).map(([objectName, digest]) => {
    if (!world.isKept([objectName, digest])) return '?'
    if (!world.scenario.sharesBlocks) return digest
    // A damage mark deletes b.
    const named = world.scenario.damage || world.row(`b/${digest}`)?.objectName === objectName
    return named && world.row(`br/${objectName}/${pageSet}`) ? digest : '?'
  })
  const got = blocks.join('')
  return got === stream.text ? null : `${key}: blocks ${got || 'none'} of ${stream.text}`
}

function aliasProblem(world: World, key: Key<'a'>): string | null {
  const id = world.row(key)?.id
  return world.isLive(`r/${id}/alias:${key.slice(2)}`) ? null : `${key} -> ${id} without its reference`
}

function digestProblem(world: World, key: Key<'h'>): string | null {
  const stream = world.row(`s/${world.row(key)}`)
  return world.isUsable(stream) && stream.text === key.slice(2) ? null : `${key} dangles`
}

function streamProblem(world: World): string | null {
  const owners = new Map<string, string>()
  return firstProblem(world.keys('s/'), (key) => {
    const id = key.slice(2)
    const stream = world.row(key) as StreamRow
    const pageSet = pageSetOf(stream, id)
    const owner = owners.get(pageSet)
    if (owner !== undefined) return `pages of ${pageSet} belong to ${owner} and ${id}`
    owners.set(pageSet, id)
    if (!world.row(`c/${id}`)) {
      const expiries = world.keys(`r/${id}/`).map((reference) => world.row(reference)?.expiry)
      if (stream.status !== 'stored' || !expiries.includes(PERMANENT)) {
        return `stream ${id} (${stream.status}) has no permanent reference and no candidate row`
      }
      if (expiries.some(Boolean)) return `stream ${id} has a reference that expires and no candidate row`
    }
    if (stream.damaged && world.isUsable(stream) && world.blocksOf(id).every((entry) => world.fits(entry))) {
      return `stream ${id} is marked, and whole`
    }
    return stream.status === 'storing' ? unfinishedProblem(world, id, stream) : null
  })
}

function unfinishedProblem(world: World, id: string, stream: StreamRow): string | null {
  const blocks = world.blocksOf(id)
  const tailLost = stream.tail !== undefined && !world.isThere(stream.tail)
  if (tailLost || blocks.some((entry) => !world.isKept(entry))) return `upload ${id} lost a block`
  if (blocks.length !== stream.offset) return `upload ${id}: ${blocks.length} blocks at offset ${stream.offset}`
  const told = world.row(`toldOffset/${id}`) ?? 0
  return told > stream.offset + (stream.tail ? 0.5 : 0) ? `upload ${id}: an offset that was told is not there` : null
}

function uploadProblem(world: World, key: Key<'up'>): string | null {
  if (world.row(key)?.answer) return null
  const stream = world.row(`s/${key.slice(3)}`)
  const waits = stream && stream.status !== 'deleting' && !world.isUsable(stream)
  return waits ? null : `${key} waits for a stream that is not being stored`
}
