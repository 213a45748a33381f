import type { Kind } from './actors.ts'
import type { Key, Mutations } from './rows.ts'

export interface Cell {
  readonly value: unknown
  /** From one counter of the whole state, so that a version never recurs. */
  readonly version: number
  readonly hash: number
}

/** A version that an actor saw (0: the row was absent), and demands in a commit. */
export type Check = readonly [key: Key, version: number | undefined]

/** What the backend does in one step: an atomic commit, or a put of an object. */
export type Operation =
  | { readonly kind: 'commit'; readonly checks: readonly Check[]; readonly mutations: Mutations }
  | { readonly kind: 'put'; readonly objectName: string; readonly letter: string }

/** Fails without effect; is applied, but the answer is lost; the answer is lost, and it is applied later or never. */
export type Fault = 'dropped' | 'applied' | 'late'

/**
 * What an actor remembers between two steps. The explorer tells states apart by it, so a field that is done with is set
 * to null.
 */
export interface Locals {
  /** The versions of the rows that it has read. */
  versions?: Record<string, number>
  /** The reference that it set, if that is not the one of its parameters. */
  reference?: string
  /** The content that it stored can be read when the store is acknowledged, whatever else was damaged. */
  sure?: 0 | 1
}

/** An actor at one moment. Steps replace it; they never change it in place. */
export interface Actor {
  readonly kind: Kind
  /** Its place in the scenario; `R` if it runs in the recovery. */
  readonly name: number | 'R'
  readonly params: object
  at: string
  locals: Locals
  /** Its part of the state's key, but for the versions seen. */
  fixedKey?: string | undefined
}

export interface State {
  rows: Record<Key, Cell>
  objects: Record<string, string>
  /** The two halves of the exclusive or of the hashes of all rows and objects. */
  hashLow: number
  hashHigh: number
  lastVersion: number
  /** Operations whose answer was lost, and that may still apply. */
  late: readonly Operation[]
  faultsLeft: number
  actors: Actor[]
  /** A promise that an actor's step has broken. */
  broken?: string
}
