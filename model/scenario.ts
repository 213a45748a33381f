import type { ActorSpec } from './actors.ts'
import type { Expiry } from './rows.ts'
import type { Fault } from './state.ts'

/** A stream that is stored at the beginning. */
export interface StoredStream {
  readonly id: string
  readonly text: string
  /** References. All of them have `expiry`. */
  readonly refs?: readonly string[]
  /** @default PERMANENT */
  readonly expiry?: Expiry
  /** References that expire. */
  readonly pins?: readonly string[]
  /** An entry that names it. */
  readonly alias?: string
  /** That entry expires. */
  readonly expires?: 1
  /** Its page set, as if it had been healed before. @default `id` */
  readonly pageSet?: string
}

export interface Scenario {
  readonly streams?: readonly StoredStream[]
  /** Uploads that have begun. */
  readonly uploads?: readonly string[]
  readonly actors: readonly ActorSpec[]
  /** How many operations of writers, markers and readers may have an unknown outcome. @default 0 */
  readonly faults?: number
  /** @default applied, dropped */
  readonly kinds?: readonly Fault[]
  /** Block de-duplication. */
  readonly sharesBlocks?: 1
  /** Blocks in a page. @default 1 */
  readonly pageSize?: number
  /** The adversary may damage objects, so writers ask for those of a hit. */
  readonly damage?: 1
  /** Each time an actor checks an expiry, it may be over or not, whatever other actors find. */
  readonly clocksDiffer?: 1
  /** No object may be left after a recovery without a scrub. */
  readonly exact?: 1
  /** No grace ends in this scenario, so no reader may get an error. */
  readonly inGrace?: 1
  /** References that the scenario unmarks, acknowledged or not. */
  readonly unmarks?: readonly string[]
  /** Every stream has a permanent reference in the end, so a collection must find no candidates. */
  readonly nothingDies?: 1
  /** At most one of the writers with `ifMatch` may win. */
  readonly oneWins?: 1
  /** It must not happen that one client gets 404 and another the final answer. */
  readonly remembers?: 1
  /** An entry that must exist once any actor has been acknowledged. */
  readonly keeps?: string
}
