import type { ActorView, Steps } from '../actor-view.ts'
import type { AliasRow, Expiry } from '../rows.ts'
import type { Locals } from '../state.ts'

export interface RenewerParams {
  readonly alias: string
  readonly expiry: Expiry
}

interface RenewerLocals extends Locals {
  entry?: AliasRow | null
}

type Renewer = ActorView<RenewerParams, RenewerLocals>
type Step = 'start' | 'extend'

/** Changes the expiry of an entry: commit {check a; a; e}. */
export const RENEWER_STEPS: Steps<Renewer, Step> = {
  start(renewer) {
    const key = `a/${renewer.params.alias}` as const
    renewer.forgetAll()
    renewer.locals.entry = renewer.see(key)
    return renewer.locals.entry && !renewer.world.isExpired(key) ? 'extend' : 'notFound'
  },

  extend(renewer) {
    const key = `a/${renewer.params.alias}` as const
    const entry = renewer.locals.entry as AliasRow
    const applied = renewer.commit(
      renewer.planted.extendUnchecked ? [] : renewer.seen(key),
      renewer.timed(key, { ...entry, expiry: renewer.params.expiry }),
    )
    renewer.forgetAll()
    renewer.locals.entry = null
    return applied ? 'ack' : 'start'
  },
}
