import { hash } from './hash.ts'
import { EXPIRED, EXPIRING, LOST } from './rows.ts'
import type { Family, Key, Mutations, PageEntry, Rows, StreamRow } from './rows.ts'
import type { Planted } from './variants.ts'
import type { Scenario } from './scenario.ts'
import type { Fault, Operation, State } from './state.ts'

/**
 * The store's backend in its current state, and the explorer's choices for the current step: faults and clocks.
 */
export class World {
  readonly scenario: Scenario
  readonly planted: Planted
  /** Blocks in a page. */
  readonly pageSize: number
  state: State
  /** The fault of the operation of this step. */
  fault: Fault | null = null
  /** This step had an operation that can have a fault. */
  faultable = false
  /** This step read a clock, which may find a time over or not. */
  tossed = false
  /** What the clock shows in this step. */
  over = false

  #rowsCopied = false
  #objectsCopied = false
  #sortedKeys: string[] = []
  #sortedRows: object | null = null

  constructor(scenario: Scenario, planted: Planted) {
    this.scenario = scenario
    this.planted = planted
    this.pageSize = scenario.pageSize ?? 1
    this.state = {
      rows: {},
      objects: {},
      hashLow: 0,
      hashHigh: 0,
      lastVersion: 0,
      late: [],
      faultsLeft: scenario.faults ?? 0,
      actors: [],
    }
  }

  /** Continues from `state`. Shares its rows and objects until they are first written. */
  enter(state: State): void {
    this.state = state
    this.#rowsCopied = false
    this.#objectsCopied = false
  }

  // Reading

  row<F extends Family>(key: Key<F>): Rows[F] | null {
    return (this.state.rows[key]?.value ?? null) as Rows[F] | null
  }

  /** Returns the version of a row, or 0 if it is absent. */
  version(key: string): number {
    return this.state.rows[key as Key]?.version ?? 0
  }

  /** Returns the keys that start with `prefix`, in order. */
  keys<F extends Family>(prefix: Key<F>): Key<F>[] {
    if (this.#sortedRows !== this.state.rows) {
      this.#sortedKeys = Object.keys(this.state.rows).sort()
      this.#sortedRows = this.state.rows
    }
    return this.#sortedKeys.filter((key) => key.startsWith(prefix)) as Key<F>[]
  }

  /** Returns the blocks that the pages of a stream name. */
  blocksOf(id: string, stream: StreamRow | null = this.row(`s/${id}`)): PageEntry[] {
    return this.keys(`m/${pageSetOf(stream, id)}/`).flatMap((key) => this.row(key) ?? [])
  }

  /** Returns whether the object has the bytes of this digest. */
  fits([objectName, digest]: PageEntry): boolean {
    return this.state.objects[objectName] === digest
  }

  /** Returns whether the object can be read, as its length shows. Its bytes may be wrong. */
  isThere(objectName: string): boolean {
    return (this.state.objects[objectName] ?? LOST) !== LOST
  }

  /** Returns whether the object has its bytes, or was damaged by the adversary. In both cases, we did not delete it. */
  isKept(entry: PageEntry): boolean {
    return this.fits(entry) || (this.row(`struck/${entry[0]}`) !== null && entry[0] in this.state.objects)
  }

  /** Returns whether the stream can be read and marked: it is stored, or was condemned when it was. */
  isUsable(stream: StreamRow | null): stream is StreamRow {
    if (stream === null) return false
    if (stream.status === 'stored') return true
    return stream.status === 'condemned' && (stream.was === 'stored' || this.planted.reviveUploads === true)
  }

  // Clocks

  /**
   * Returns whether this row has expired by the calling actor's clock. With `clocksDiffer`, each call may find either.
   */
  isExpired(key: Key<'r' | 'a' | 'p' | 'up'>): boolean {
    const expiry = this.row(key)?.expiry
    if (!expiry || expiry === EXPIRED || !this.scenario.clocksDiffer) return expiry === EXPIRED
    this.tossed = true
    if (this.over && /^[rp]/.test(key)) this.ghost(`foundOver/${lastPart(key)}`, 1)
    return this.over
  }

  /** Returns whether a lease is over by the calling actor's clock. */
  isOverdue(): boolean {
    this.tossed = true
    return this.over
  }

  /** For the invariants: returns whether no actor has found this reference expired yet. */
  isLive(key: Key<'r'>): boolean {
    const reference = this.row(key)
    if (!reference) return false
    return !reference.expiry || (reference.expiry === EXPIRING && !this.row(`foundOver/${lastPart(key)}`))
  }

  // Writing

  /** Returns true if the operation was applied, false if a check failed, null if the outcome is unknown. */
  perform(operation: Operation): boolean | null {
    this.faultable = true
    if (this.fault === null) return this.apply(operation)
    if (this.fault === 'applied') this.apply(operation)
    if (this.fault === 'late') this.state.late = [...this.state.late, operation]
    return null
  }

  apply(operation: Operation): boolean {
    if (operation.kind === 'put') {
      this.setObject(operation.objectName, operation.letter)
      return true
    }
    if (operation.checks.some(([key, version]) => this.version(key) !== version)) return false
    for (const [key, value] of Object.entries(operation.mutations)) {
      this.setRow(key as Key, value ?? null, ++this.state.lastVersion)
    }
    return true
  }

  setRow(key: Key, value: Mutations[Key] | null, version: number): void {
    const { state } = this
    if (!this.#rowsCopied) {
      this.#rowsCopied = true
      state.rows = { ...state.rows }
    }
    this.#sortedRows = null
    const old = state.rows[key]
    if (old) this.#mix(old.hash)
    if (value === null) {
      delete state.rows[key]
      return
    }
    const hashed = hash(`${key}=${JSON.stringify(value)}`)
    state.rows[key] = { value, version, hash: hashed }
    this.#mix(hashed)
  }

  /** Sets the bytes of an object. Null deletes it. */
  setObject(objectName: string, letter: string | null): void {
    const { state } = this
    if (!this.#objectsCopied) {
      this.#objectsCopied = true
      state.objects = { ...state.objects }
    }
    const old = state.objects[objectName]
    if (old !== undefined) this.#mix(hash(objectName + old))
    if (letter === null) {
      delete state.objects[objectName]
      return
    }
    state.objects[objectName] = letter
    this.#mix(hash(objectName + letter))
  }

  ghost<F extends 'applied' | 'told404' | 'toldOffset' | 'foundOver' | 'struck'>(key: Key<F>, value: Rows[F]): void {
    if (this.row(key) !== value) this.setRow(key, value, 0)
  }

  #mix(hashed: number): void {
    this.state.hashLow ^= hashed >>> 0
    this.state.hashHigh ^= (hashed / 4294967296) | 0
  }
}

/** Returns the page set of a stream. It is the stream's own id until the stream is healed. */
export function pageSetOf(stream: StreamRow | null, id: string): string {
  return stream?.pageSet ?? id
}

/** Returns the part after the last slash: the reference of an `r` row, the pin of a `p` row. */
export function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Returns the part after the first slash. */
export function afterFamily(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}
