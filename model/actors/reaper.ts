import type { ActorView, Steps } from '../actor-view.ts'
import type { Locals } from '../state.ts'

interface ReaperLocals extends Locals {
  /** Objects with an intent, and the streams that they were meant for. */
  queue?: (readonly [objectName: string, id: string])[]
}

type Reaper = ActorView<object, ReaperLocals>
type Step = 'start' | 'readStream' | 'readIntentAgain' | 'deleteObject' | 'dropIntent'

/**
 * Reaps the intents of streams that are stored, deleting or gone: read s, THEN the intent again. Only if it still
 * exists, delete the object, then the row.
 */
export const REAPER_STEPS: Steps<Reaper, Step> = {
  start(reaper) {
    const { world, locals } = reaper
    reaper.forgetAll()
    locals.queue = world.keys('i/').map((key) => [key.slice(2), world.row(key)?.id ?? ''])
    return locals.queue.length > 0 ? 'readStream' : 'done'
  },

  readStream(reaper) {
    const { planted, world } = reaper
    const stream = reaper.row(`s/${intentInHand(reaper)[1]}`)
    const stored = () => !planted.reapDeadOnly && world.isUsable(stream) && stream.was !== 'storing'
    if (stream && stream.status !== 'deleting' && !stored()) return nextIntent(reaper)
    return planted.reapNoReread ? 'deleteObject' : 'readIntentAgain'
  },

  readIntentAgain(reaper) {
    return reaper.row(`i/${intentInHand(reaper)[0]}`) ? 'deleteObject' : nextIntent(reaper)
  },

  deleteObject(reaper) {
    reaper.deleteObject(intentInHand(reaper)[0])
    return 'dropIntent'
  },

  dropIntent(reaper) {
    reaper.commit([], { [`i/${intentInHand(reaper)[0]}`]: null })
    return nextIntent(reaper)
  },
}

function intentInHand(reaper: Reaper): readonly [objectName: string, id: string] {
  return reaper.locals.queue?.[0] ?? ['', '']
}

function nextIntent(reaper: Reaper): Step | 'done' {
  const { locals } = reaper
  locals.queue = (locals.queue ?? []).slice(1)
  return locals.queue.length > 0 ? 'readStream' : 'done'
}
