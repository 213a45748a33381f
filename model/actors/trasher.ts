import type { ActorView, Steps } from '../actor-view.ts'
import type { Key } from '../rows.ts'
import type { Locals } from '../state.ts'

interface TrasherLocals extends Locals {
  queue?: Key<'t'>[]
  dead?: readonly string[]
}

type Trasher = ActorView<object, TrasherLocals>
type Step = 'start' | 'readRow' | 'deleteObject' | 'dropRow'

/** Collect, step (5): after the grace period, which may end at any moment, delete the objects, then the trash row. */
export const TRASHER_STEPS: Steps<Trasher, Step> = {
  start(trasher) {
    trasher.forgetAll()
    trasher.locals.queue = trasher.world.keys('t/')
    return trasher.locals.queue.length > 0 ? 'readRow' : 'done'
  },

  readRow(trasher) {
    trasher.locals.dead = trasher.see(rowInTrash(trasher))?.dead ?? []
    return trasher.locals.dead.length > 0 ? 'deleteObject' : 'dropRow'
  },

  deleteObject(trasher) {
    const { locals } = trasher
    const [objectName, ...rest] = locals.dead ?? []
    if (objectName !== undefined) trasher.deleteObject(objectName)
    locals.dead = rest
    return rest.length > 0 ? 'deleteObject' : 'dropRow'
  },

  dropRow(trasher) {
    const { locals } = trasher
    const key = rowInTrash(trasher)
    trasher.commit(trasher.seen(key), { [key]: null })
    trasher.forgetAll()
    locals.queue = (locals.queue ?? []).slice(1)
    return locals.queue.length > 0 ? 'readRow' : 'done'
  },
}

function rowInTrash(trasher: Trasher): Key<'t'> {
  return (trasher.locals.queue as Key<'t'>[])[0] as Key<'t'>
}
