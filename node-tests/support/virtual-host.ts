import { onAbort } from '../../src/bytes/on-abort.ts'
import { nextTask } from '../../src/bytes/promises.ts'
import type { StoreBudget, StoreHost } from '../../src/store.ts'
import { systemHost } from '../../src/store/host.ts'

/** Turns of the host in which everything in memory proceeds that does not wait for the clock. */
const TURNS = 2

interface Sleeper {
  readonly wakeAt: number
  wake(): void
}

/**
 * A host whose clock stands still while anything can proceed, and then jumps to the earliest end of a sleep. Its random
 * numbers are the same for the same seed. Stores on one backend must share a host, or their names would collide.
 */
export class VirtualHost implements StoreHost {
  readonly budget: StoreBudget
  /** The number of sleeps, and their total length in milliseconds. */
  readonly slept: { count: number; totalMs: number } = { count: 0, totalMs: 0 }
  #now: number
  #state: number
  #sleepers: Sleeper[] = []
  #running = false

  constructor({ seed = 1, now = 1_700_000_000_000, budget = systemHost.budget } = {}) {
    this.#state = seed
    this.#now = now
    this.budget = budget
  }

  now(): number {
    return Math.floor(this.#now)
  }

  /** Advances the clock, and ends the sleeps that are over by then. */
  advance(ms: number): void {
    this.#now += ms
    const over = this.#sleepers.filter(({ wakeAt }) => wakeAt <= this.#now)
    for (const sleeper of over) this.#wake(sleeper)
  }

  /** Returns a number from 0 up to, but not including, 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  random(byteLength: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(byteLength)
    for (let i = 0; i < byteLength; i++) bytes[i] = Math.floor(this.fraction() * 256)
    return bytes
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    this.slept.count++
    this.slept.totalMs += delayMs
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = { wakeAt: this.#now + delayMs, wake: resolve }
      this.#sleepers.push(sleeper)
      onAbort([signal], (reason) => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper)
        reject(reason)
      })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    for (;;) {
      for (let i = 0; i < TURNS; i++) await nextTask()
      const first = this.#sleepers.toSorted((a, b) => a.wakeAt - b.wakeAt)[0]
      if (!first) break
      this.#now = Math.max(this.#now, first.wakeAt)
      this.#wake(first)
    }
    this.#running = false
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((each) => each !== sleeper)
    sleeper.wake()
  }
}
