import { hash } from './hash.ts'
import { EXPIRED, EXPIRING, LOST } from './rows.ts'
import type { Family, Key, Mutations, PageEntry, Rows, StreamRow } from './rows.ts'
import type { Planted } from './variants.ts'
import type { Scenario } from './scenario.ts'
import type { Fault, Operation, State } from './state.ts'

/**
 * The store's backend in its current state, and what the explorer decides for the step that runs: faults and clocks.
 */
export class World {
  readonly scenario: Scenario
  readonly planted: Planted
  /** Blocks in a page. */
  readonly pageSize: number
  state: State
  /** What befalls the operation of this step. */
  fault: Fault | null = null
  /** This step had an operation that a fault could befall. */
  faultable = false
  /** This step looks at a clock, which may find the time over or not. */
  tossed = false
  /** What the clock finds in this step. */
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

  /** Goes on from `state`. Rows and objects are shared with it until they are first written. */
  enter(state: State): void {
    this.state = state
    this.#rowsCopied = false
    this.#objectsCopied = false
  }

  // Reading

  row<F extends Family>(key: Key<F>): Rows[F] | null {
    return (this.state.rows[key]?.value ?? null) as Rows[F] | null
  }

  /** 0 if there is no such row. */
  version(key: string): number {
    return this.state.rows[key as Key]?.version ?? 0
  }

  /** The keys that begin with `prefix`, in order. */
  keys<F extends Family>(prefix: Key<F>): Key<F>[] {
    if (this.#sortedRows !== this.state.rows) {
      this.#sortedKeys = Object.keys(this.state.rows).sort()
      this.#sortedRows = this.state.rows
    }
    return this.#sortedKeys.filter((key) => key.startsWith(prefix)) as Key<F>[]
  }

  /** What the pages of a stream name. */
  blocksOf(id: string, stream: StreamRow | null = this.row(`s/${id}`)): PageEntry[] {
    return this.keys(`m/${pageSetOf(stream, id)}/`).flatMap((key) => this.row(key) ?? [])
  }

  /** The object has the bytes of this digest. */
  fits([objectName, digest]: PageEntry): boolean {
    return this.state.objects[objectName] === digest
  }

  /** The object can be read, though its bytes may be wrong: what asking for its length tells. */
  isThere(objectName: string): boolean {
    return (this.state.objects[objectName] ?? LOST) !== LOST
  }

  /** The object has its bytes, or the adversary damaged it: we did not delete it. */
  isKept(entry: PageEntry): boolean {
    return this.fits(entry) || (this.row(`struck/${entry[0]}`) !== null && entry[0] in this.state.objects)
  }

  /** A stored stream, also a condemned one: it can be read, and marked. */
  isUsable(stream: StreamRow | null): stream is StreamRow {
    if (stream === null) return false
    if (stream.status === 'stored') return true
    return stream.status === 'condemned' && (stream.was === 'stored' || this.planted.reviveUploads === true)
  }

  // Clocks

  /**
   * Whether the clock of the actor that asks finds this row expired. With `clocksDiffer`, each look may find either.
   */
  isExpired(key: Key<'r' | 'a' | 'p' | 'up'>): boolean {
    const expiry = this.row(key)?.expiry
    if (!expiry || expiry === EXPIRED || !this.scenario.clocksDiffer) return expiry === EXPIRED
    this.tossed = true
    if (this.over && /^[rp]/.test(key)) this.ghost(`foundOver/${lastPart(key)}`, 1)
    return this.over
  }

  /** Whether the clock of the actor that asks finds a lease over. */
  isOverdue(): boolean {
    this.tossed = true
    return this.over
  }

  /** For the invariants: nobody has found this reference expired yet. */
  isLive(key: Key<'r'>): boolean {
    const reference = this.row(key)
    if (!reference) return false
    return !reference.expiry || (reference.expiry === EXPIRING && !this.row(`foundOver/${lastPart(key)}`))
  }

  // Writing

  /** True: applied; false: a check failed; null: the outcome is unknown. */
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

  /** Null deletes it. */
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

/** The page set of a stream: its own id, until it is healed. */
export function pageSetOf(stream: StreamRow | null, id: string): string {
  return stream?.pageSet ?? id
}

/** What follows the last slash: the reference of an `r` row, the pin of a `p` row. */
export function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** What follows the first slash. */
export function afterFamily(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}
