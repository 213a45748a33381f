import type { ActorView, Steps } from '../actor-view.ts'
import type { StreamRow } from '../rows.ts'
import type { Locals } from '../state.ts'

export interface CancellerParams {
  readonly id: string
}

interface CancellerLocals extends Locals {
  stream?: StreamRow | null
}

type Canceller = ActorView<CancellerParams, CancellerLocals>
type Step = 'start' | 'forgetAnswer' | 'readStream' | 'cancel'

/** Cancels an upload (DELETE): commit {check s; s = deleting; delete up}, or {check up; delete up} if it has ended. */
export const CANCELLER_STEPS: Steps<Canceller, Step> = {
  start(canceller) {
    const { id } = canceller.params
    canceller.forgetAll()
    const upload = canceller.see(`up/${id}`)
    if (!upload) return canceller.tell404(id)
    return upload.answer ? 'forgetAnswer' : 'readStream'
  },

  /** Deletes only the answer. The entry that the upload stored stays. */
  forgetAnswer(canceller) {
    const key = `up/${canceller.params.id}` as const
    canceller.commit(canceller.seen(key), canceller.timed(key, null))
    return 'done'
  },

  readStream(canceller) {
    const stream = (canceller.locals.stream = canceller.see(`s/${canceller.params.id}`))
    const unfinished = stream?.status === 'storing' || stream?.was === 'storing'
    return unfinished && stream.status !== 'deleting' ? 'cancel' : 'start'
  },

  cancel(canceller) {
    const { id } = canceller.params
    const { locals } = canceller
    const key = `s/${id}` as const
    const stream = locals.stream as StreamRow
    const applied = canceller.commit(canceller.planted.cancelUnchecked ? [] : canceller.seen(key), {
      [key]: { ...stream, status: 'deleting', was: undefined, givenUp: 1 },
      [`up/${id}`]: null,
      [`told404/${id}`]: 1,
    })
    locals.stream = null
    canceller.forgetAll()
    return applied ? 'done' : 'start'
  },
}
