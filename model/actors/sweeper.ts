import type { ActorView, Steps } from '../actor-view.ts'
import type { AliasRow, Key, Mutations, PinRow, UploadRow } from '../rows.ts'
import type { Locals } from '../state.ts'
import { afterFamily } from '../world.ts'

type TimedKey = Key<'a' | 'p' | 'up'>
type TimedRow = AliasRow | PinRow | UploadRow

interface SweeperLocals extends Locals {
  queue?: TimedKey[]
  swept?: TimedRow | null
  /** Planted: what the second commit writes. */
  rest?: Mutations | null
}

type Sweeper = ActorView<object, SweeperLocals>
type Step = 'start' | 'readRow' | 'sweep' | 'sweepReference'

/**
 * Deletes entries, pins and remembered answers that have expired by its own clock: commit {check the row; delete it,
 * its `e` row and its reference; write c}.
 */
export const SWEEPER_STEPS: Steps<Sweeper, Step> = {
  start(sweeper) {
    const { world, locals } = sweeper
    sweeper.forgetAll()
    locals.queue = world.keys('e/').map((key) => key.slice(2) as TimedKey)
    if (sweeper.planted.upSweptAlone) locals.queue = [...locals.queue, ...world.keys('up/')]
    return locals.queue.length > 0 ? 'readRow' : 'done'
  },

  readRow(sweeper) {
    const key = rowInHand(sweeper)
    const row = (sweeper.locals.swept = sweeper.see(key))
    const unfinished = () => sweeper.planted.upSweptAlone && !(row as UploadRow).answer && key.startsWith('u')
    return row && (sweeper.world.isExpired(key) || unfinished()) ? 'sweep' : nextRow(sweeper)
  },

  sweep(sweeper) {
    const { planted, locals } = sweeper
    const key = rowInHand(sweeper)
    const row = locals.swept as TimedRow
    const reference = `r/${row.id}/${key.startsWith('a') ? 'alias:' : ''}${afterFamily(key)}` as const
    const rest: Mutations = key.startsWith('u') ? {} : { [reference]: null, [`c/${row.id}`]: 1 }
    if (planted.sweepNoCandidate) delete rest[`c/${row.id}`]
    const removal: Mutations = { [key]: null, [`e/${key}`]: null }
    if (planted.sweepTwo && key.startsWith('a')) {
      sweeper.commit(sweeper.seen(key), removal)
      locals.rest = rest
      return 'sweepReference'
    }
    sweeper.commit(planted.sweepUnchecked ? [] : sweeper.seen(key), { ...removal, ...rest })
    return nextRow(sweeper)
  },

  sweepReference(sweeper) {
    sweeper.commit([], sweeper.locals.rest ?? {})
    sweeper.locals.rest = null
    return nextRow(sweeper)
  },
}

function rowInHand(sweeper: Sweeper): TimedKey {
  return (sweeper.locals.queue as TimedKey[])[0] as TimedKey
}

function nextRow(sweeper: Sweeper): Step | 'done' {
  const { locals } = sweeper
  locals.queue = (locals.queue ?? []).slice(1)
  sweeper.forgetAll()
  locals.swept = null
  return locals.queue.length > 0 ? 'readRow' : 'done'
}
