import { lastPart } from '../world.ts'
import type { ActorView, Steps } from '../actor-view.ts'
import { EXPIRED, EXPIRING } from '../rows.ts'

export interface ClockParams {
  readonly ref: string
}

/** Lets a reference expire for all actors at once. */
export const CLOCK_STEPS: Steps<ActorView<ClockParams>, 'start'> = {
  start({ world, params }) {
    const key = world.keys('r/').find((each) => lastPart(each) === params.ref && world.row(each)?.expiry === EXPIRING)
    if (key === undefined) return 'start'
    world.setRow(key, { ...world.row(key), expiry: EXPIRED }, world.version(key))
    return 'done'
  },
}
