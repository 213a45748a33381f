import { nextTask } from '../../src/bytes/promises.ts'
import type { Backend } from '../../src/store.ts'

/** Turns of the host after which everything in memory has proceeded as far as it can without a call of a backend. */
const TURNS = 2

/** A call of a backend that waits for its turn. */
export interface Turn {
  readonly actor: number
  readonly operation: string
  go(): void
}

/** Chooses the next of the waiting calls. `dies` drops all calls of that actor, as if its process had died. */
export type Pick = (turns: readonly Turn[], step: number) => Turn | { readonly dies: number }

/** Runs actors whose backend calls take turns: one call per step, in the order that a test chooses. */
export class Scheduler {
  #waiting: Turn[] = []
  readonly #dead = new Set<number>()

  /** Wraps a backend so that its calls wait for their turn. */
  gate({ metadata, blocks, ...rest }: Backend, actor: number): Backend {
    const turn = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
      await new Promise<void>((resolve) => this.#waiting.push({ actor, operation, go: resolve }))
      return call()
    }
    return {
      ...rest,
      metadata: {
        get: (...args) => turn('get', () => metadata.get(...args)),
        list: (...args) => turn('list', () => metadata.list(...args)),
        commit: (...args) => turn('commit', () => metadata.commit(...args)),
      },
      blocks: {
        put(name, bytes, options) {
          const own = bytes.slice()
          return turn('put', () => blocks.put(name, own, options))
        },
        get: (...args) => turn('blocks.get', () => blocks.get(...args)),
        size: (...args) => turn('size', () => blocks.size(...args)),
        delete: (...args) => turn('delete', () => blocks.delete(...args)),
        list: (...args) => turn('blocks.list', () => blocks.list(...args)),
      },
    }
  }

  /**
   * Lets the actors proceed, one call at a time, until all have ended or died. Returns the number of steps.
   *
   * @param look Called in every state.
   */
  async run(actors: readonly Promise<unknown>[], pick: Pick, look?: (step: number) => Promise<void>): Promise<number> {
    const ended = new Set<number>()
    for (const [index, actor] of actors.entries()) {
      const end = (): unknown => ended.add(index)
      actor.then(end, end)
    }
    for (let step = 0; ;) {
      for (let i = 0; i < TURNS; i++) await nextTask()
      this.#waiting = this.#waiting.filter(({ actor }) => !this.#dead.has(actor))
      if (actors.every((_, index) => ended.has(index) || this.#dead.has(index))) return step
      await look?.(step)
      // Actors without a waiting call are asleep.
      if (this.#waiting.length === 0) continue
      const next = pick(this.#waiting, step++)
      if ('dies' in next) this.#dead.add(next.dies)
      else {
        this.#waiting = this.#waiting.filter((each) => each !== next)
        next.go()
      }
    }
  }
}

/**
 * Runs one actor until it has no waiting call, then the next one that has, in a circle. At each step of `preemptions`,
 * switches to the actor with that number instead, and stays with it.
 */
export function preempting(order: readonly number[], preemptions: ReadonlyMap<number, number>): Pick {
  let current = order[0]!
  return (turns, step) => {
    current = preemptions.get(step) ?? current
    const of = (actor: number): Turn | undefined => turns.find((turn) => turn.actor === actor)
    const first = order.indexOf(current)
    const circle = order.map((_, i) => order[(first + i) % order.length]!)
    const next = circle.map(of).find((turn) => turn !== undefined)!
    current = next.actor
    return next
  }
}

/** Chooses any call, and now and then a death. `fraction` returns numbers from 0 up to, but not including, 1. */
export function anyOrder(fraction: () => number, mortals: number): Pick {
  let deaths = 0
  return (turns) => {
    const next = turns[Math.floor(fraction() * turns.length)]!
    if (next.actor >= mortals || deaths > 0 || fraction() >= 0.01) return next
    deaths++
    return { dies: next.actor }
  }
}
