import type { ActorView, Steps } from '../actor-view.ts'
import type { AliasRow } from '../rows.ts'
import type { Locals } from '../state.ts'

export interface RemoverParams {
  readonly alias: string
}

interface RemoverLocals extends Locals {
  entry?: AliasRow | null
}

type Remover = ActorView<RemoverParams, RemoverLocals>
type Step = 'start' | 'remove'

/** Removes an entry: commit {check a; delete a and its reference; write c}. */
export const REMOVER_STEPS: Steps<Remover, Step> = {
  start(remover) {
    remover.forgetAll()
    remover.locals.entry = remover.see(`a/${remover.params.alias}`)
    return remover.locals.entry ? 'remove' : 'done'
  },

  remove(remover) {
    const { alias } = remover.params
    const { id } = remover.locals.entry as AliasRow
    const applied = remover.commit(remover.seen(`a/${alias}`), {
      ...remover.timed(`a/${alias}`, null),
      [`r/${id}/alias:${alias}`]: null,
      ...(remover.planted.removeNoCandidate ? {} : { [`c/${id}`]: 1 }),
    })
    remover.forgetAll()
    remover.locals.entry = null
    return applied ? 'done' : 'start'
  },
}
