import { hasEnded } from '../actor-view.ts'
import type { WriterParams } from '../actors/writer-view.ts'
import { PERMANENT } from '../rows.ts'
import type { Actor } from '../state.ts'
import { lastPart } from '../world.ts'
import type { World } from '../world.ts'

/** The parameters of all kinds of actors that the promises depend on. */
interface Promised extends Partial<WriterParams> {
  readonly expiry?: number
  readonly follow?: 1
}

/** Checks what the answers promised to the actors. Returns the first broken promise, or null. */
export function promises(world: World): string | null {
  const { state, scenario } = world
  if (state.broken) return state.broken
  const acknowledged = state.actors.filter(({ at }) => at === 'ack')
  for (const actor of acknowledged) {
    const problem = referencePromise(world, actor) ?? readablePromise(world, actor) ?? appliedPromise(world, actor)
    if (problem !== null) return problem
  }
  if (scenario.keeps && acknowledged.length > 0 && !world.row(`a/${scenario.keeps}`)) {
    return `acknowledged a/${scenario.keeps} is lost`
  }
  if (state.actors.some((actor) => promised(actor).follow && actor.at === 'error')) {
    return 'the reader of an alias got neither its bytes, nor a conflict, nor its absence'
  }
  if (scenario.oneWins && world.keys('applied/').length > 1) return 'two If-Match writers won'
  if (scenario.remembers) {
    const uploads = state.actors.filter((actor) => promised(actor).upload)
    const answered = uploads.some(({ at }) => at === 'ack' || at === 'refused')
    if (answered && uploads.some(({ at }) => at === 'absent')) return 'the final answer was not remembered'
  }
  if (state.late.length > 0 || !state.actors.every(hasEnded)) return null
  const [candidate] = world.keys('c/')
  if (scenario.nothingDies && candidate !== undefined) return `${candidate} stays though nothing may be dead`
  return ownerlessReference(world)
}

function promised(actor: Actor): Promised {
  return actor.params
}

function referenceOf(actor: Actor): string | undefined {
  return actor.locals.reference ?? promised(actor).ref
}

function referencePromise(world: World, actor: Actor): string | null {
  const { ref, expiry, refExpires } = promised(actor)
  if (!ref || expiry || refExpires || world.scenario.unmarks?.includes(ref)) return null
  const reference = referenceOf(actor)
  return world.keys('r/').some((key) => lastPart(key) === reference) ? null : `acknowledged ${ref} is lost`
}

function readablePromise(world: World, actor: Actor): string | null {
  if (!actor.locals.sure) return null
  for (const key of world.keys('s/')) {
    const id = key.slice(2)
    const stream = world.row(key)
    if (!world.isUsable(stream) || stream.text !== promised(actor).text) continue
    if (!world.keys(`r/${id}/`).some((reference) => world.isLive(reference))) continue
    if (!world.blocksOf(id).every((entry) => world.fits(entry))) {
      return `stored and acknowledged, but ${id} cannot be read`
    }
  }
  return null
}

function appliedPromise(world: World, actor: Actor): string | null {
  const { alias, upload, id } = promised(actor)
  if (actor.kind !== 'writer' || !alias) return null
  const applications = world.keys(`applied/${upload ? `up/${id}` : actor.name}`)
  return applications.length > 0 ? null : 'a write was acknowledged, and not applied'
}

/** Once all actors have ended, a permanent reference that none of them knows of would stay forever. */
function ownerlessReference(world: World): string | null {
  for (const key of world.keys('r/')) {
    const reference = lastPart(key)
    if (world.row(key)?.expiry !== PERMANENT || /^(r0|alias:)/.test(reference)) continue
    const owned = world.state.actors.some((actor) => actor.at === 'ack' && referenceOf(actor) === reference)
    if (!owned) return `${key} has no owner`
  }
  return null
}
