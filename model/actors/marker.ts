import type { ActorView, Steps } from '../actor-view.ts'
import type { Expiry, Mutations, StreamRow } from '../rows.ts'
import type { Locals } from '../state.ts'

export interface MarkerParams {
  /** The stream. Without it, `text` is its content. */
  readonly id?: string
  readonly text?: string
  readonly ref: string
  /** @default PERMANENT */
  readonly expiry?: Expiry
  /** Unmarks before it marks. */
  readonly first?: 'unmark'
  /** Unmarks after it has marked. */
  readonly last?: 'unmark'
  /** Takes a mark of unknown outcome back instead of repeating it. */
  readonly giveUp?: 1
}

interface MarkerLocals extends Locals {
  id?: string | null
  stream?: StreamRow | null
  /** An earlier mark had an unknown outcome. */
  again?: 1
}

type Marker = ActorView<MarkerParams, MarkerLocals>
type Step = 'start' | 'readReference' | 'unmarkFirst' | 'readStream' | 'mark' | 'readFence' | 'fence' | 'unmark'

/**
 * Mark: read s; commit {check s; set r; c if r expires; a condemned stream is stored again}. A renewal is also a mark.
 */
export const MARKER_STEPS: Steps<Marker, Step> = {
  start(marker) {
    const { params, locals } = marker
    marker.forgetAll()
    locals.id = params.id ?? marker.row(`h/${params.text ?? ''}`)
    if (!locals.id) return 'lost'
    return params.first === 'unmark' ? 'readReference' : 'readStream'
  },

  readReference(marker) {
    return marker.see(`r/${marker.locals.id}/${marker.params.ref}`) ? 'unmarkFirst' : 'readStream'
  },

  unmarkFirst(marker) {
    const { id } = marker.locals
    const reference = `r/${id}/${marker.params.ref}` as const
    const checks = marker.planted.unmarkUnchecked ? [] : marker.seen(reference)
    const applied = marker.commit(checks, { [reference]: null, [`c/${id}`]: 1 })
    marker.forgetAll()
    return applied ? 'readStream' : 'readReference'
  },

  readStream(marker) {
    marker.locals.stream = marker.see(`s/${marker.locals.id}`)
    return marker.world.isUsable(marker.locals.stream) ? 'mark' : 'lost'
  },

  mark(marker) {
    const { params, locals, planted } = marker
    const key = `s/${locals.id}` as const
    const stream = locals.stream as StreamRow
    const expiry = params.expiry ?? 0
    const mutations: Mutations = { [`r/${locals.id}/${params.ref}`]: { expiry } }
    if (stream.status === 'condemned') mutations[key] = { ...stream, status: 'stored', was: undefined }
    if (expiry && !planted.expiryNoCandidate) mutations[`c/${locals.id}`] = 1
    // After an unknown outcome, rewriting s makes the first attempt fail whenever it arrives.
    if (locals.again && !planted.retryUnfenced) mutations[key] ??= stream
    const applied = marker.commit(planted.markUnchecked ? [] : marker.seen(key), mutations)
    locals.stream = null
    marker.forgetAll()
    if (applied === null && params.giveUp) return planted.giveUpUnfenced ? 'unmark' : 'readFence'
    if (applied === null) locals.again = 1
    if (!applied) return 'readStream'
    return params.last ? 'unmark' : 'ack'
  },

  readFence(marker) {
    marker.locals.stream = marker.see(`s/${marker.locals.id}`)
    return marker.locals.stream ? 'fence' : 'lost'
  },

  /** Rewrites the row that a late mark checks, so that the mark fails. */
  fence(marker) {
    const { locals } = marker
    const key = `s/${locals.id}` as const
    const applied = marker.commit(marker.seen(key), { [key]: locals.stream as StreamRow })
    locals.stream = null
    marker.forgetAll()
    return applied ? 'unmark' : 'readFence'
  },

  unmark(marker) {
    const { id } = marker.locals
    const applied = marker.commit([], { [`r/${id}/${marker.params.ref}`]: null, [`c/${id}`]: 1 })
    return applied === null ? 'unmark' : 'gaveUp'
  },
}
