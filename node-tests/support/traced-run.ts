import { memoryBackend } from '../../src/backends/memory.ts'
import { onAbort } from '../../src/bytes/on-abort.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { type Backend, type Mutation, type StoreHost, StreamStore, systemHost } from '../../src/store.ts'
import { hastyHost } from './hasty-collector.ts'
import { StateHash } from './state-hash.ts'
import { type Scenario, Told } from './store-scenarios.ts'
import { VirtualHost } from './virtual-host.ts'

/** Turns of the host after which an actor that neither calls nor ends is stuck. */
const MOST_TURNS = 100
const NOW = 1_700_000_000_000
const [DEAD, ENDED] = [1, 2]

/** What a scenario starts with, as a list that is quick to copy. */
export interface Snapshot {
  readonly rows: readonly Mutation[]
  readonly objects: readonly (readonly [name: string, bytes: Uint8Array])[]
}

/** Reads all that a backend holds. */
export async function snapshotOf({ metadata, blocks }: Backend): Promise<Snapshot> {
  const rows = await metadata.list({ prefix: new Uint8Array(0), limit: 100_000 })
  const names = await blocks.list({ prefix: '', limit: 100_000 })
  const objects = await Promise.all(names.map(async ({ name }) => [name, (await blocks.get(name))!] as const))
  return { rows: rows.map(({ key, value }) => ({ key, value })), objects }
}

/** A call, or a sleep, that waits for its turn. */
interface Waiting {
  readonly sleeps: boolean
  go(): void
}

interface TracedActor {
  /** Of all calls and their answers so far. What it does next is a function of these. */
  readonly history: StateHash
  /** In the order in which they were made, which is the order in which they get their turns. */
  waiting: Waiting[]
  /** Number of its commits, which gives the versions that they write their names. */
  commits: number
  hasEnded: boolean
  isDead: boolean
}

/**
 * Actors of a scenario that take turns, one call of the backend at a time, and whose common state has a hash. Two runs with
 * the same hash go on in the same way, because what an actor does is a function of the answers that it got:
 *
 * - Each actor has a store, and thus all caches, of its own, and random numbers of its own.
 * - The clock stands still. A sleep ends when its actor is given a turn.
 * - A version is named after its writer and the number of the writer's commits, not after all commits before it.
 * - What actors were told, which the checks at the end depend on, is a part of the state.
 */
export class TracedRun {
  readonly told: Told = new Told()
  readonly memory: Backend = memoryBackend()
  readonly #actors: TracedActor[] = []
  /** The sum of the hashes of all rows and objects. */
  readonly #contents = new StateHash(0, 0)
  readonly #entries = new Map<string, StateHash>()
  readonly #labels = new Map<string, string>()
  readonly #versions = new Map<string, string>()

  private constructor() {}

  /** @param seed What the random numbers begin with. */
  static async start(scenario: Scenario, { rows, objects }: Snapshot, seed: number): Promise<TracedRun> {
    const run = new TracedRun()
    const { metadata, blocks } = run.memory
    for (const [name, bytes] of objects) {
      await blocks.put(name, bytes)
      run.#set(name, new StateHash().text(name).bytes(bytes))
    }
    const version = rows.length > 0 && (await metadata.commit([], rows))
    if (version) run.#name(version, 'start', rows)
    for (const [index, actor] of scenario.actors.entries()) {
      const traced = { history: new StateHash(), waiting: [], commits: 0, hasEnded: false, isDead: false }
      run.#actors.push(traced)
      const host = run.#host(traced, seed * 1000 + index)
      const store = new StreamStore(run.#gate(traced, index), {
        blockSize: scenario.blockSize ?? 1,
        inMemoryThreshold: 1,
        host: actor.hasty ? hastyHost(host) : host,
      })
      const end = (): void => void (traced.hasEnded = true)
      actor.run(store, run.told).then(end, end)
    }
    await run.#settle(run.#actors)
    return run
  }

  /** Actors that have not ended or died. */
  get living(): number[] {
    return [...this.#actors.keys()].filter((index) => !this.#actors[index]!.isDead && !this.#actors[index]!.hasEnded)
  }

  /** Actors that can take a turn: also one that has ended but left something to be done meanwhile. */
  get ready(): number[] {
    return [...this.#actors.keys()].filter((index) => this.#actors[index]!.waiting.length > 0)
  }

  /** Whether an actor has a call to make; otherwise it has ended, or sleeps. */
  calls(index: number): boolean {
    return this.#actors[index]!.waiting.some(({ sleeps }) => !sleeps)
  }

  /** Gives an actor its turn: its first call is made, or if it has none, its first sleep ends. */
  async step(index: number): Promise<void> {
    const actor = this.#actors[index]!
    const next = actor.waiting.find(({ sleeps }) => !sleeps) ?? actor.waiting[0]!
    actor.waiting = actor.waiting.filter((each) => each !== next)
    next.go()
    await this.#settle([actor])
  }

  /** Drops all calls of an actor, as if its process had died. */
  kill(index: number): void {
    const actor = this.#actors[index]!
    actor.isDead = true
    actor.waiting = []
  }

  /** The hash of all rows and objects. */
  get contents(): string {
    return this.#contents.toString()
  }

  /** The hash of all that a check at the end depends on. */
  get outcome(): string {
    const { set, refused, wrong } = this.told
    const told = [...[...set].map((each) => each.join('=')), ...[...refused].map((each) => `not ${each}`)]
    const hash = new StateHash().hash(this.#contents)
    return hash.text([...told.toSorted(), ...wrong].join('\n')).toString()
  }

  /** The hash of the whole state, in which one actor is next. @param dies An actor that would be dead in this state. */
  key(next: number, dies?: number): string {
    const hash = new StateHash().text(this.outcome).number(next)
    for (const [index, { history, waiting, hasEnded, isDead }] of this.#actors.entries()) {
      if (isDead || index === dies) hash.number(DEAD)
      else if (hasEnded && waiting.length === 0) hash.number(ENDED)
      else hash.hash(history)
    }
    return hash.toString()
  }

  /** Waits until these actors have ended, or come to a call. */
  async #settle(actors: readonly TracedActor[]): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      await nextTask()
      if (actors.every(({ hasEnded, waiting }) => hasEnded || waiting.length > 0)) return
    }
    throw new Error('an actor neither ends nor calls')
  }

  #host(actor: TracedActor, seed: number): StoreHost {
    const random = new VirtualHost({ seed })
    return {
      budget: systemHost.budget,
      now: () => NOW,
      random: (byteLength) => random.random(byteLength),
      sleep: (_, signal) =>
        new Promise((resolve, reject) => {
          const go = (): void => {
            actor.history.text('slept')
            resolve()
          }
          const sleep = { sleeps: true, go }
          if (actor.isDead) return
          actor.waiting.push(sleep)
          onAbort([signal], (reason) => {
            actor.waiting = actor.waiting.filter((each) => each !== sleep)
            reject(reason)
          })
        }),
    }
  }

  /** A backend whose calls wait for their turn. */
  #gate(actor: TracedActor, index: number): Backend {
    const { metadata, blocks } = this.memory
    const turn = async <T>(
      operation: string,
      call: () => Promise<T>,
      describe: (answer: T) => unknown = () => undefined,
    ): Promise<T> => {
      await new Promise<void>((resolve) => {
        if (!actor.isDead) actor.waiting.push({ sleeps: false, go: resolve })
      })
      actor.history.text(operation)
      try {
        const answer = await call()
        describe(answer)
        return answer
      } catch (error) {
        actor.history.text(String(error))
        throw error
      }
    }
    const hear = <T extends { value: Uint8Array; version: string }>(row: T): T => {
      const named = { ...row, version: this.#labels.get(row.version)! }
      actor.history.bytes(row.value).text(named.version)
      return named
    }
    return {
      metadata: {
        get: (...args) =>
          turn('get', async () => {
            const row = await metadata.get(...args)
            if (!row) actor.history.text('none')
            return row && hear(row)
          }),
        list: (...args) =>
          turn('list', async () => {
            const rows = await metadata.list(...args)
            actor.history.number(rows.length)
            return rows.map((row) => {
              actor.history.bytes(row.key)
              return hear(row)
            })
          }),
        commit: (checks, mutations, options) =>
          turn('commit', async () => {
            const label = `${index}.${++actor.commits}`
            const raw = checks.map(({ key, version }) => ({
              key,
              version: version === undefined ? undefined : (this.#versions.get(version) ?? 'none'),
            }))
            const version = await metadata.commit(raw, mutations, options)
            actor.history.number(version ? 1 : 0)
            if (version) this.#name(version, label, mutations)
            return version && label
          }),
      },
      blocks: {
        put: (name, bytes, options) => {
          const own = bytes.slice()
          return turn('put', async () => {
            await blocks.put(name, own, options)
            this.#set(name, new StateHash().text(name).bytes(own))
          })
        },
        get: (...args) =>
          turn(
            'blocks.get',
            () => blocks.get(...args),
            (bytes) => (bytes ? actor.history.bytes(bytes) : actor.history.text('none')),
          ),
        size: (...args) =>
          turn(
            'size',
            () => blocks.size(...args),
            (size) => actor.history.number(size ?? -1),
          ),
        delete: (name, options) =>
          turn('delete', async () => {
            await blocks.delete(name, options)
            this.#set(name, undefined)
          }),
        list: (...args) =>
          turn(
            'blocks.list',
            () => blocks.list(...args),
            (found) => actor.history.text(found.map(({ name, size }) => `${name} ${size}`).join()),
          ),
      },
      close: () => Promise.resolve(),
    }
  }

  /** Gives a version its name, and takes note of what it wrote. */
  #name(version: string, label: string, mutations: readonly Mutation[]): void {
    this.#labels.set(version, label)
    this.#versions.set(label, version)
    for (const { key, value } of mutations) {
      this.#set(`row ${String.fromCharCode(...key)}`, value && new StateHash().bytes(key).bytes(value).text(label))
    }
  }

  #set(name: string, hash: StateHash | undefined): void {
    const old = this.#entries.get(name)
    if (old) this.#contents.subtract(old)
    if (hash) {
      this.#contents.add(hash)
      this.#entries.set(name, hash)
    } else this.#entries.delete(name)
  }
}
