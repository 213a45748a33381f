import { memoryBackend } from '../../src/backends/memory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { toBase64Url } from '../../src/bytes/byte-text.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import { sha256 } from '../../src/bytes/sha256.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import type { CachedEntry, CachedHive } from '../../src/cache/cached-hive-types.ts'
import { openConfirmed } from '../../src/cache/open-confirmed.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { type FaultyBackend, faulty } from './faulty-backend.ts'
import { inspectStore } from './inspect-store.ts'
import { SmallBlocksHive } from './small-blocks-hive.ts'
import { VirtualHost } from './virtual-host.ts'

/** How a run ended. */
export interface CacheRun {
  readonly seed: number
  /** What went wrong: what was neither exact bytes nor an error of the package, a broken budget, or something left. */
  readonly problems: readonly string[]
  /** How often each operation ended in which way. */
  readonly ends: ReadonlyMap<string, number>
}

const ALIASES = ['a', 'b', 'c/d'] as const
const TYPED = ['BackendError', 'ConflictError', 'NotFoundError', 'QuotaExceededError']
/** Each of these steps ends with it if it is overtaken by another. */
const OVERTAKEN: Readonly<Record<string, string>> = { pin: 'AbortError' }
const STEPS = 60

interface Tab {
  readonly hive: CachedHive
  readonly backend: FaultyBackend
  /** Faults of the store. */
  readonly trouble: { share: number }
}

/**
 * Readers, pins, evictions, updates and clearings of up to three tabs that share a cache, in an order that the seed chooses,
 * while the network and the store fail, blocks are damaged, and tabs are killed. At the end everything is cleared.
 */
export async function runCache(seed: number): Promise<CacheRun> {
  return new Run(seed).run()
}

class Run {
  readonly #seed: number
  readonly #host: VirtualHost
  readonly #blockLength: number
  readonly #limit: number
  readonly #memory = memoryBackend()
  readonly #remote: SmallBlocksHive
  /** The bytes of every version that there ever was, by alias and etag. */
  readonly #versions = new Map<string, Uint8Array<ArrayBuffer>>()
  readonly #tabs: Tab[] = []
  readonly #problems: string[] = []
  readonly #ends = new Map<string, number>()
  readonly #working = new Set<Promise<void>>()
  /** Etags of the versions that were opened last, by alias. */
  readonly #opened = new Map<string, string>()
  /** Etags of the versions that must be here as a whole, by alias. */
  readonly #pinned = new Map<string, string>()
  /** Calls that begin or end pins, of all aliases: those that go on, and all. */
  readonly #pinning = { now: 0, ever: 0 }
  #isDamaged = false
  #networkTrouble = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#host = new VirtualHost({ seed })
    // Blocks of more than 16 KiB are objects of their own.
    this.#blockLength = this.#chance(0.5) ? 1_000 : 18_000
    this.#limit = (3 + this.#below(20)) * (this.#blockLength + 512)
    this.#remote = new SmallBlocksHive(this.#blockLength)
    this.#remote.onChunk = () => {
      if (this.#chance(this.#networkTrouble)) this.#remote.isOffline = true
    }
  }

  async run(): Promise<CacheRun> {
    for (const alias of ALIASES) await this.#update(alias)
    for (let i = 0; i < 2; i++) this.#openTab()
    for (let step = 0; step < STEPS; step++) {
      const work = this.#step().catch((error: unknown) => {
        // Not every engine has the message in the stack.
        this.#problems.push(`step ${step}: ${String(error)}\n${(error as Error)?.stack}`)
      })
      this.#track(work)
      // Some steps overlap.
      if (this.#chance(0.6)) await this.#settle()
      else await nextTask()
      this.#host.advance(this.#below(30_000))
      if (step % 5 === 4) await this.#checkBudget()
      if (step % 5 === 4) await this.#checkPins()
    }
    await this.#end()
    return { seed: this.#seed, problems: this.#problems, ends: this.#ends }
  }

  async #step(): Promise<void> {
    const tab = this.#tabs[this.#below(this.#tabs.length)]!
    const alias = ALIASES[this.#below(ALIASES.length)]!
    const choice = this.#below(100)
    if (choice < 35) return this.#read(tab, alias)
    if (choice < 55) return this.#readTogether(tab, alias)
    if (choice < 62) return this.#pin(tab, alias)
    if (choice < 66) return this.#unpinning([alias], () => this.#tell('unpin', () => tab.hive.unpin(alias)))
    if (choice < 70) return this.#tell('cached', () => this.#checkCached(tab, alias))
    if (choice < 78) return this.#update(alias)
    if (choice < 80) return this.#clear(tab)
    if (choice < 84) return this.#damage()
    if (choice < 88) this.#remote.isOffline = !this.#remote.isOffline
    else if (choice < 91) this.#networkTrouble = this.#chance(0.5) ? 0 : 0.05
    else if (choice < 94) tab.trouble.share = this.#chance(0.5) ? 0 : 0.1
    else if (choice < 97) this.#kill(tab)
    else return this.#tell('list', () => tab.hive.list())
  }

  async #read(tab: Tab, alias: string): Promise<void> {
    await this.#tell('read', async () => {
      const { entry, bytes } = await this.#open(tab, alias)
      const start = this.#below(entry.size)
      const end = this.#chance(0.5) ? entry.size : start + this.#below(entry.size - start)
      await this.#compare(entry, bytes, start, end)
    })
  }

  /** Whoever else pins or unpins meanwhile decides. */
  async #pin(tab: Tab, alias: string): Promise<void> {
    await this.#unpinning([alias], async () => {
      const { ever } = this.#pinning
      await this.#tell('pin', async () => {
        const { etag } = await tab.hive.pin(alias, { signal: this.#maybeAborted() })
        if (this.#pinning.now === 1 && this.#pinning.ever === ever) this.#pinned.set(alias, etag)
      })
    })
  }

  #clear(tab: Tab): Promise<void> {
    const work = (): Promise<void> => tab.hive.clear({ everyone: this.#chance(0.5) })
    return this.#unpinning(ALIASES, () => this.#tell('clear', work))
  }

  async #unpinning(aliases: readonly string[], work: () => Promise<void>): Promise<void> {
    for (const alias of aliases) this.#pinned.delete(alias)
    this.#pinning.now++
    this.#pinning.ever++
    await work()
    this.#pinning.now--
  }

  /** Without a network, pinned versions are there as a whole. */
  async #checkPins(): Promise<void> {
    if (this.#working.size > 0 || this.#pinned.size === 0) return
    const { isOffline } = this.#remote
    this.#remote.isOffline = true
    const store = new StreamStore(this.#memory, { host: this.#host })
    const hive = cachedHive(this.#remote, store, { bytes: this.#limit, host: this.#host })
    for (const [alias, etag] of this.#pinned) {
      try {
        const entry = await hive.open(alias, { consistency: 'snapshot' })
        if (entry.etag !== etag) this.#problems.push(`${alias} is pinned, but another version of it is served`)
        else if (!this.#isDamaged) await this.#compare(entry, this.#versions.get(`${alias} ${etag}`)!, 0, entry.size)
      } catch (error) {
        this.#problems.push(`${alias} is pinned, but cannot be read: ${String(error)}`)
      }
    }
    this.#remote.isOffline = isOffline
  }

  /** Several readers of one version, which begin near to each other and share what comes; one of them seeks. */
  async #readTogether(tab: Tab, alias: string): Promise<void> {
    let opened: { entry: CachedEntry; bytes: Uint8Array } | undefined
    await this.#tell('open', async () => {
      opened = await this.#open(tab, alias)
    })
    if (!opened) return
    const { entry, bytes } = opened
    const from = this.#below(entry.size)
    const readers = Array.from({ length: 2 + this.#below(3) }, async () => {
      for (let turns = this.#below(12); turns > 0; turns--) await nextTask()
      const start = Math.max(from - this.#below(3 * this.#blockLength), 0)
      await this.#tell('shared read', () => this.#compare(entry, bytes, start, entry.size))
    })
    readers.push(this.#tell('seek', () => this.#seek(entry, bytes, from)))
    await Promise.all(readers)
  }

  async #seek(entry: CachedEntry, bytes: Uint8Array, from: number): Promise<void> {
    const reader = entry.reader({ bufferSize: 1024 })
    try {
      let offset = from
      for (let reads = 0; reads < 12; reads++) {
        if (this.#chance(0.4)) offset = Math.max(0, offset + this.#below(8_000) - 4_000)
        if (offset >= entry.size) offset = 0
        reader.seek(offset)
        const value = await reader.read()
        this.#check(entry, bytes, value, offset)
        offset += value.byteLength
      }
    } finally {
      await reader.close()
    }
  }

  async #open(tab: Tab, alias: string): Promise<{ entry: CachedEntry; bytes: Uint8Array<ArrayBuffer> }> {
    const consistency = this.#chance(0.5) ? 'conflict' : 'snapshot'
    const opening = { consistency, bufferSize: 1024 } as const
    const named = this.#chance(0.5) ? this.#opened.get(alias) : undefined
    const confirmed = named && openConfirmed(tab.hive, alias, named, opening)
    if (confirmed && confirmed.etag !== named) throw new Error(`${confirmed.etag} was opened in place of ${named}`)
    const entry = confirmed || (await tab.hive.open(alias, opening))
    this.#opened.set(alias, entry.etag)
    const bytes = this.#versions.get(`${alias} ${entry.etag}`)
    if (!bytes || entry.size !== bytes.byteLength) throw new Error(`there was never such a version: ${entry.etag}`)
    return { entry, bytes }
  }

  #check(entry: CachedEntry, bytes: Uint8Array, value: Uint8Array, offset: number): void {
    if (equalBytes(value, bytes.subarray(offset, offset + value.byteLength))) return
    throw new Error(`wrong bytes of ${entry.alias} at ${offset}`)
  }

  async #compare(entry: CachedEntry, bytes: Uint8Array, start: number, end: number): Promise<void> {
    const reader = entry.stream({ start, end }).getReader()
    let offset = start
    const leaveAt = this.#chance(0.3) ? start + this.#below(end - start) : Infinity
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      this.#check(entry, bytes, value, offset)
      if (offset + value.byteLength > end) throw new Error(`too many bytes of ${entry.alias} at ${offset}`)
      offset += value.byteLength
      if (offset >= leaveAt) return reader.cancel()
    }
    if (offset !== end) throw new Error(`${entry.alias} ended at ${offset} instead of ${end}`)
  }

  async #checkCached({ hive }: Tab, alias: string): Promise<void> {
    const cached = await hive.cached(alias)
    const sum = cached?.ranges.reduce((total, { start, end }) => total + end - start, 0)
    if (cached && (sum !== cached.bytes || !this.#versions.has(`${alias} ${cached.etag}`))) {
      throw new Error(`cached() says what cannot be: ${JSON.stringify(cached)}`)
    }
  }

  /** A new version, of which some blocks may be those of an older one. */
  async #update(alias: string): Promise<void> {
    const count = 1 + this.#below(90 / (this.#blockLength / 1_000 > 1 ? 6 : 1))
    const bytes = new Uint8Array(count * this.#blockLength - this.#below(this.#blockLength))
    // Few kinds of blocks, so that versions and entries share some.
    for (let at = 0; at < bytes.byteLength; at += this.#blockLength) {
      const kind = 1 + this.#below(40)
      bytes.subarray(at, at + this.#blockLength).fill(kind)
      bytes[at] = at % 7
    }
    const etag = `"of-${toBase64Url(await sha256(bytes))}"`
    // Before anybody can open it.
    this.#versions.set(`${alias} ${etag}`, bytes)
    await bytesSource(bytes).stream().pipeTo(this.#remote.sink(alias))
  }

  /** Changes a byte of an object. */
  async #damage(): Promise<void> {
    this.#isDamaged = true
    const { blocks } = this.#memory
    const some = await blocks.list({ prefix: '', limit: 1000 })
    const { name } = some[this.#below(some.length)] ?? {}
    const bytes = name && (await blocks.get(name))
    if (!bytes) return
    const changed = bytes.slice()
    changed[this.#below(changed.byteLength)]! ^= 1
    await blocks.delete(name)
    await blocks.put(name, changed)
  }

  #openTab(): void {
    const trouble = { share: 0 }
    const faults = ['fail', 'busy', 'quota', 'lost', 'late'] as const
    const backend = faulty(
      this.#memory,
      () => (this.#chance(trouble.share) ? faults[this.#below(faults.length)] : undefined),
      this.#host,
    )
    const store = new StreamStore(backend, { host: this.#host, blockSize: 7_000, leaseMs: 60_000 })
    const hive = cachedHive(this.#remote, store, { bytes: this.#limit, host: this.#host })
    this.#tabs.push({ hive, backend, trouble })
  }

  /** A tab that is killed never gets an answer again. */
  #kill(tab: Tab): void {
    tab.trouble.share = 0
    const { metadata, blocks } = tab.backend
    const never = (): Promise<never> => new Promise(() => undefined)
    for (const part of [metadata, blocks]) for (const name of Object.keys(part)) Object.assign(part, { [name]: never })
    this.#tabs.splice(this.#tabs.indexOf(tab), 1)
    this.#openTab()
  }

  /** Whatever fails, and whoever is killed: what is stored, evicted or not, is within the budget at any moment. */
  async #checkBudget(): Promise<void> {
    const { stored } = await inspectStore(this.#memory)
    const bytes = [...stored.values()].reduce((sum, { length }) => sum + length + 512, 0)
    if (bytes > this.#limit) this.#problems.push(`${bytes} bytes are stored, of ${this.#limit}`)
  }

  async #end(): Promise<void> {
    this.#remote.isOffline = false
    this.#networkTrouble = 0
    for (const { trouble, backend } of this.#tabs) {
      trouble.share = 0
      await backend.arrive()
    }
    await this.#settle()
    this.#host.advance(120_000)
    const { hive } = this.#tabs[0]!
    for (const tab of this.#tabs) await tab.hive.flush()
    await this.#checkBudget()
    for (const alias of ALIASES) {
      const entry = await hive.open(alias)
      await this.#compare(entry, this.#versions.get(`${alias} ${entry.etag}`)!, 0, entry.size)
    }
    await hive.flush()
    await this.#checkBudget()
    await hive.clear({ everyone: true })
    const rest = new StreamStore(this.#memory, { host: this.#host })
    for (let i = 0; i < 2; i++) {
      this.#host.advance(7_200_000)
      await rest.collectGarbage({ graceMs: 0 })
    }
    // An object may arrive after everything that named it is gone.
    await rest.scrub({ repair: true, force: true })
    await rest.collectGarbage({ graceMs: 0 })
    const { problems, stored, references, objects, rows } = await inspectStore(this.#memory)
    const usage = await hive.usage()
    // Numbers that only grow, and name nothing.
    const left = [...rows.keys()].filter((key) => !['u/cache/g', 'u/cache/u'].includes(key))
    if (problems.length + stored.size + references.length + objects + left.length + usage.bytes > 0) {
      this.#problems.push(
        `left: ${[...problems, ...references, ...left].join('; ')}; ${stored.size} streams, ${objects} objects, ${usage.bytes} bytes`,
      )
    }
  }

  async #tell(what: string, work: () => Promise<unknown>): Promise<void> {
    let end = 'done'
    try {
      await work()
    } catch (error) {
      const { name } = error as Error
      end = error === 'stop' ? 'stopped' : name
      if (error !== 'stop' && !TYPED.includes(name) && OVERTAKEN[what] !== name) throw error
    }
    const key = `${what} ${end}`
    this.#ends.set(key, (this.#ends.get(key) ?? 0) + 1)
  }

  #maybeAborted(): AbortSignal | undefined {
    if (!this.#chance(0.3)) return undefined
    const controller = new AbortController()
    const { onChunk } = this.#remote
    let chunks = this.#below(10)
    this.#remote.onChunk = (offset) => {
      if (chunks-- === 0) {
        this.#remote.onChunk = onChunk
        controller.abort('stop')
      }
      return onChunk(offset)
    }
    return controller.signal
  }

  #track(work: Promise<void>): void {
    this.#working.add(work)
    void work.finally(() => this.#working.delete(work))
  }

  /** Waits for the steps that go on. Those of a killed tab never end. */
  async #settle(): Promise<void> {
    for (let turns = 0; turns < 400 && this.#working.size > 0; turns++) await nextTask()
    this.#working.clear()
  }

  #chance(share: number): boolean {
    return this.#host.fraction() < share
  }

  #below(bound: number): number {
    return Math.floor(this.#host.fraction() * bound)
  }
}
