import type { ActorView, Steps } from '../actor-view.ts'
import { LOST, WRONG_BYTES } from '../rows.ts'
import type { Damage } from '../rows.ts'

export interface AdversaryParams {
  /** The content that it damages. */
  readonly text: string
  readonly damage: Damage
  /** @default 0 */
  readonly blockIndex?: number
}

/** Damages a block of a stored stream, once. */
export const ADVERSARY_STEPS: Steps<ActorView<AdversaryParams>, 'start'> = {
  start({ world, params }) {
    const id = world.row(`h/${params.text}`)
    if (id === null || !world.isUsable(world.row(`s/${id}`))) return 'start'
    const entry = world.blocksOf(id)[params.blockIndex ?? 0]
    if (!entry || !world.fits(entry)) return 'start'
    world.ghost(`struck/${entry[0]}`, params.damage)
    world.setObject(entry[0], params.damage === 'lost' ? LOST : WRONG_BYTES)
    return 'done'
  },
}
