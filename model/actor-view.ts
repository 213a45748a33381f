import { EXPIRING } from './rows.ts'
import type { AliasRow, Family, Key, Mutations, PinRow, Rows, UploadRow } from './rows.ts'
import type { Actor, Check, Locals } from './state.ts'
import type { Planted } from './variants.ts'
import type { World } from './world.ts'

/** Where an actor ends. The promises of invariants/promises.ts are about these. */
export type End =
  | 'ack'
  | 'lost'
  | 'refused'
  | 'aborted'
  | 'suspended'
  | 'gaveUp'
  | 'done'
  | 'notFound'
  | 'error'
  | 'damaged'
  | 'conflict'
  | 'absent'
  | 'mismatch'

const ENDS: ReadonlySet<string> = new Set<End>([
  'ack',
  'lost',
  'refused',
  'aborted',
  'suspended',
  'gaveUp',
  'done',
  'notFound',
  'error',
  'damaged',
  'conflict',
  'absent',
  'mismatch',
])

export function hasEnded(actor: Actor): boolean {
  return ENDS.has(actor.at)
}

/** The interface through which a step of an actor reads and changes the world. */
export class ActorView<Params extends object = object, L extends Locals = Locals> {
  readonly world: World
  readonly actor: Actor

  constructor(world: World, actor: Actor) {
    this.world = world
    this.actor = actor
  }

  get params(): Params {
    return this.actor.params as Params
  }

  get locals(): L {
    return this.actor.locals as L
  }

  /** The mistakes that this run has planted. */
  get planted(): Planted {
    return this.world.planted
  }

  /** Reads a row without remembering its version. */
  row<F extends Family>(key: Key<F>): Rows[F] | null {
    return this.world.row(key)
  }

  /** Reads a row and remembers its version, for `seen`. */
  see<F extends Family>(key: Key<F>): Rows[F] | null {
    this.versions[key] = this.world.version(key)
    return this.world.row(key)
  }

  /** Returns checks that these rows are unchanged since they were seen. */
  seen(...keys: Key[]): Check[] {
    return keys.map((key) => [key, this.versions[key]])
  }

  forget(key: Key): void {
    delete this.versions[key]
  }

  forgetAll(): void {
    this.locals.versions = {}
  }

  get versions(): Record<string, number> {
    return (this.locals.versions ??= {})
  }

  /** Returns true if the commit was applied, false if a check failed, null if the outcome is unknown. */
  commit(checks: readonly Check[], mutations: Mutations): boolean | null {
    return this.world.perform({ kind: 'commit', checks, mutations })
  }

  put(objectName: string, letter: string): boolean | null {
    return this.world.perform({ kind: 'put', objectName, letter })
  }

  deleteObject(objectName: string): void {
    this.world.setObject(objectName, null)
  }

  /** Returns the mutations for a row that may expire and for its row in the index by time. */
  timed(key: Key<'a'>, value: AliasRow | null): Mutations
  timed(key: Key<'p'>, value: PinRow | null): Mutations
  timed(key: Key<'up'>, value: UploadRow | null): Mutations
  timed(key: Key<'a' | 'p' | 'up'>, value: AliasRow | PinRow | UploadRow | null): Mutations {
    const indexed = Boolean(value?.expiry) && !this.planted.noIndex
    return { [key]: value, [`e/${key}`]: indexed ? EXPIRING : null }
  }

  /** Records that a promise is broken. */
  broken(message: string): void {
    this.world.state.broken ??= message
  }

  /** Records that the client of an upload got the answer that the upload is gone. */
  tell404(upload: string): 'absent' {
    if (!this.world.row(`applied/up/${upload}`)) this.world.ghost(`told404/${upload}`, 1)
    return 'absent'
  }
}

/** The steps of one kind of actor. Each performs at most one operation on the backend and returns the next step. */
export type Steps<View, Step extends string> = Readonly<Record<Step, (view: View) => Step | End>>
