import { ActorView } from './actor-view.ts'
import { ADVERSARY_STEPS } from './actors/adversary.ts'
import type { AdversaryParams } from './actors/adversary.ts'
import { CANCELLER_STEPS } from './actors/canceller.ts'
import type { CancellerParams } from './actors/canceller.ts'
import { CLOCK_STEPS } from './actors/clock.ts'
import type { ClockParams } from './actors/clock.ts'
import { COLLECTOR_STEPS, Collector } from './actors/collector.ts'
import { MARKER_STEPS } from './actors/marker.ts'
import type { MarkerParams } from './actors/marker.ts'
import { READER_STEPS, Reader } from './actors/reader.ts'
import type { ReaderParams } from './actors/reader.ts'
import { REAPER_STEPS } from './actors/reaper.ts'
import { REMOVER_STEPS } from './actors/remover.ts'
import type { RemoverParams } from './actors/remover.ts'
import { RENEWER_STEPS } from './actors/renewer.ts'
import type { RenewerParams } from './actors/renewer.ts'
import { SCRUB_STEPS } from './actors/scrub.ts'
import { SWEEPER_STEPS } from './actors/sweeper.ts'
import { TRASHER_STEPS } from './actors/trasher.ts'
import { UNMARKER_STEPS } from './actors/unmarker.ts'
import type { UnmarkerParams } from './actors/unmarker.ts'
import { WRITER_STEPS } from './actors/writer.ts'
import { Writer } from './actors/writer-view.ts'
import type { WriterParams } from './actors/writer-view.ts'
import type { Actor } from './state.ts'
import type { World } from './world.ts'

/** The parameters of every kind of actor. */
export interface ActorParams {
  writer: WriterParams
  marker: MarkerParams
  unmarker: UnmarkerParams
  remover: RemoverParams
  clock: ClockParams
  renewer: RenewerParams
  sweeper: object
  canceller: CancellerParams
  adversary: AdversaryParams
  reader: ReaderParams
  collector: object
  trasher: object
  reaper: object
  scrub: object
}

export type Kind = keyof ActorParams
export type ActorSpec = { [K in Kind]: { readonly kind: K; readonly params: ActorParams[K] } }[Kind]

interface KindOfActor {
  readonly View: new (world: World, actor: Actor) => ActorView
  readonly steps: Readonly<Record<string, (view: never) => string>>
  /**
   * Its operations may have an unknown outcome. Actors that run repeatedly anyway do not need this: a pass whose answer
   * is lost behaves like a pass that stopped there.
   */
  readonly faulty?: true
}

const KINDS: Readonly<Record<Kind, KindOfActor>> = {
  writer: { View: Writer, steps: WRITER_STEPS, faulty: true },
  marker: { View: ActorView, steps: MARKER_STEPS, faulty: true },
  unmarker: { View: ActorView, steps: UNMARKER_STEPS, faulty: true },
  remover: { View: ActorView, steps: REMOVER_STEPS, faulty: true },
  clock: { View: ActorView, steps: CLOCK_STEPS },
  renewer: { View: ActorView, steps: RENEWER_STEPS, faulty: true },
  sweeper: { View: ActorView, steps: SWEEPER_STEPS, faulty: true },
  canceller: { View: ActorView, steps: CANCELLER_STEPS, faulty: true },
  adversary: { View: ActorView, steps: ADVERSARY_STEPS },
  reader: { View: Reader, steps: READER_STEPS, faulty: true },
  collector: { View: Collector, steps: COLLECTOR_STEPS },
  trasher: { View: ActorView, steps: TRASHER_STEPS },
  reaper: { View: ActorView, steps: REAPER_STEPS },
  scrub: { View: ActorView, steps: SCRUB_STEPS },
}

/** Runs the step that `actor` is at, and moves it to the next. */
export function step(world: World, actor: Actor): void {
  const { View, steps } = KINDS[actor.kind]
  const run = steps[actor.at] as ((view: ActorView) => string) | undefined
  if (!run) throw new Error(`${actor.kind} has no step ${actor.at}`)
  actor.at = run(new View(world, actor))
}

export function isFaulty(actor: Actor): boolean {
  return KINDS[actor.kind].faulty === true
}
