import type { Kind } from './actors.ts'
import type { Key, Mutations } from './rows.ts'

export interface Cell {
  readonly value: unknown
  /** Comes from one counter for the whole state, so a version never recurs. */
  readonly version: number
  readonly hash: number
}

/** A version that an actor saw (0: the row was absent) and requires in a commit. */
export type Check = readonly [key: Key, version: number | undefined]

/** An operation of the backend in one step: an atomic commit, or a put of an object. */
export type Operation =
  | { readonly kind: 'commit'; readonly checks: readonly Check[]; readonly mutations: Mutations }
  | { readonly kind: 'put'; readonly objectName: string; readonly letter: string }

/** The answer is lost. `dropped`: never applied. `applied`: applied. `late`: applied later or never. */
export type Fault = 'dropped' | 'applied' | 'late'

/**
 * What an actor remembers between two steps. The explorer distinguishes states by it, so a field that is no longer
 * needed is set to null.
 */
export interface Locals {
  /** The versions of the rows that it has read. */
  versions?: Record<string, number>
  /** The reference that it set, if that is not the one of its parameters. */
  reference?: string
  /** The content that it stored must be readable once it is acknowledged, whatever was damaged. */
  sure?: 0 | 1
}

/** The state of an actor. Steps replace it, and never change it in place. */
export interface Actor {
  readonly kind: Kind
  /** Its index in the scenario, or `R` if it runs in the recovery. */
  readonly name: number | 'R'
  readonly params: object
  at: string
  locals: Locals
  /** Its part of the state's key, except for the versions seen. */
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
