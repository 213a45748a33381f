import { EXPIRED } from '../rows.ts'
import type { World } from '../world.ts'
import { lastPart, pageSetOf } from '../world.ts'

/** Returns the first row or object that remains after recovery although nothing needs it, or null. */
export function leak(world: World): string | null {
  return leakedRow(world) ?? leakedObject(world)
}

function leakedRow(world: World): string | null {
  const pageSets = new Set<string>()
  for (const key of world.keys('s/')) {
    const id = key.slice(2)
    const stream = world.row(key)
    if (stream?.status !== 'stored') return `stream ${id} stays ${stream?.status}`
    if (world.keys(`r/${id}/`).length === 0) return `unreferenced stream ${id} stays`
    pageSets.add(pageSetOf(stream, id))
  }
  for (const key of world.keys('m/')) if (!pageSets.has(key.split('/')[1] ?? '')) return `${key} stays`
  for (const key of world.keys('r/')) {
    const id = key.split('/')[1] ?? ''
    const reference = lastPart(key)
    if (!world.row(`s/${id}`) || world.row(key)?.expiry === EXPIRED) return `${key} stays`
    if (reference.startsWith('alias:') && world.row(`a/${reference.slice(6)}`)?.id !== id) {
      return `${key} stays without its alias`
    }
  }
  for (const key of world.keys('br/')) if (!pageSets.has(lastPart(key))) return `${key} stays`
  for (const key of world.keys('b/')) {
    if (world.keys(`br/${world.row(key)?.objectName}/`).length === 0) return `${key} stays without a holder`
  }
  for (const family of ['c/', 'i/', 't/', 'p/', 'up/', 'e/'] as const) {
    const [first] = world.keys(family)
    if (first !== undefined) return `${first} stays`
  }
  for (const key of world.keys('a/')) if (world.row(key)?.expiry) return `${key} stays`
  return null
}

/** Returns the first object that no page names, or null. */
export function leakedObject(world: World): string | null {
  const named = new Set(world.keys('m/').flatMap((key) => (world.row(key) ?? []).map(([objectName]) => objectName)))
  const left = Object.keys(world.state.objects).find(
    (objectName) => !named.has(objectName) && world.isThere(objectName),
  )
  return left === undefined ? null : `object ${left} stays`
}
