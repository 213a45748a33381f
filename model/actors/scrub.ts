import type { ActorView, Steps } from '../actor-view.ts'
import type { Key } from '../rows.ts'
import type { Locals } from '../state.ts'
import type { World } from '../world.ts'

type Source = 'objects' | 'i' | 's' | 'b' | 'm' | 't'

interface ScrubLocals extends Locals {
  /** Index into the order of lists. */
  place?: number
  /** The objects that the rows read so far name. */
  named?: string[]
  /** The store's own objects that no row has named yet. */
  unnamed?: string[] | null
  /** The list of `m` continues after this key. */
  after?: string
}

type Scrub = ActorView<object, ScrubLocals>
type Step = 'start' | 'list' | 'trash'

/** The rows that name an object, in the order of its life. */
const ORDER: readonly Source[] = ['objects', 'i', 's', 'b', 'm', 't']

/** Lists the objects FIRST, then the rows in the order of an object's life. Objects that no row names go to trash. */
export const SCRUB_STEPS: Steps<Scrub, Step> = {
  start(scrub) {
    const { locals } = scrub
    locals.place = 0
    locals.named = []
    locals.unnamed = null
    locals.after = ''
    return listNext(scrub)
  },

  list: listNext,

  trash(scrub) {
    scrub.commit([], { [`t/~${scrub.actor.name}`]: { page: [], dead: scrub.locals.unnamed ?? [] } })
    return 'done'
  },
}

function listNext(scrub: Scrub): Step | 'done' {
  const { world, locals } = scrub
  const order = orderOf(scrub)
  const source = order[locals.place ?? 0] as Source
  if (source === 'objects') {
    locals.place = (locals.place ?? 0) + 1
    locals.unnamed = Object.keys(world.state.objects)
      .filter((objectName) => world.isThere(objectName))
      .sort()
  } else {
    const names = listRows(scrub, source)
    locals.named = [...new Set([...(locals.named ?? []), ...names])].sort()
  }
  const place = locals.place ?? 0
  if (locals.unnamed) {
    locals.unnamed = locals.unnamed.filter((objectName) => !locals.named?.includes(objectName))
    if (place < order.length) locals.named = []
    if (locals.unnamed.length === 0) return 'done'
  }
  return place < order.length ? 'list' : 'trash'
}

/** Lists `m` in pages of one row, and the others as a whole. */
function listRows(scrub: Scrub, source: Exclude<Source, 'objects'>): string[] {
  const { world, locals } = scrub
  const keys = world.keys(`${source}/`)
  if (source !== 'm') {
    locals.place = (locals.place ?? 0) + 1
    return keys.flatMap((key) => objectsNamed(world, key))
  }
  const key = keys.find((each) => each > (locals.after ?? ''))
  if (key === undefined) {
    locals.place = (locals.place ?? 0) + 1
    return []
  }
  locals.after = key
  return objectsNamed(world, key)
}

function objectsNamed(world: World, key: Key<'i' | 's' | 'b' | 'm' | 't'>): string[] {
  if (key.startsWith('i/')) return [key.slice(2)]
  if (key.startsWith('s/')) return [world.row(key as Key<'s'>)?.tail ?? []].flat()
  if (key.startsWith('b/')) return [world.row(key as Key<'b'>)?.objectName ?? []].flat()
  if (key.startsWith('m/')) return (world.row(key as Key<'m'>) ?? []).map(([objectName]) => objectName)
  const trash = world.row(key as Key<'t'>)
  return trash ? [...trash.dead, ...trash.page.map(([objectName]) => objectName)] : []
}

function orderOf({ planted }: Scrub): readonly Source[] {
  if (planted.scrubMetaFirst) return ['i', 's', 'b', 'm', 't', 'objects']
  if (planted.scrubTextOrder) return ['objects', 's', 'm', 'b', 'i', 't']
  if (planted.scrubNoS) return ['objects', 'i', 'b', 'm', 't']
  return ORDER
}
