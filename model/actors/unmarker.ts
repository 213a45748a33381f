import type { ActorView, Steps } from '../actor-view.ts'

export interface UnmarkerParams {
  readonly id: string
  readonly ref: string
}

type Unmarker = ActorView<UnmarkerParams>
type Step = 'start' | 'unmark'

/** Unmark: read r; commit {check r; delete r; write c}. */
export const UNMARKER_STEPS: Steps<Unmarker, Step> = {
  start(unmarker) {
    unmarker.forgetAll()
    return unmarker.see(`r/${unmarker.params.id}/${unmarker.params.ref}`) ? 'unmark' : 'done'
  },

  unmark(unmarker) {
    const { id, ref } = unmarker.params
    const reference = `r/${id}/${ref}` as const
    const applied = unmarker.commit(unmarker.seen(reference), {
      [reference]: null,
      ...(unmarker.planted.unmarkNoCandidate ? {} : { [`c/${id}`]: 1 }),
    })
    return applied ? 'done' : 'start'
  },
}
