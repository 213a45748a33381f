/** A limit of how many do something at the same time. Those who wait get their turns in the order in which they came. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()
  #taken = 0
  #onEmpty: () => void = () => undefined

  constructor(count: number) {
    this.#free = count
  }

  /** Calls `onTurn` when there is a slot, which is then taken. Returns a function that gives up waiting. */
  take(onTurn: () => void): () => void {
    const turn = (): void => onTurn()
    this.#waiting.add(turn)
    this.#next()
    return () => this.#waiting.delete(turn)
  }

  /** Gives a slot back. */
  giveBack(): void {
    this.#free++
    this.#taken--
    this.#next()
    if (this.#taken === 0) this.#onEmpty()
  }

  /** Calls `act` once no slot is taken. */
  onceEmpty(act: () => void): void {
    if (this.#taken === 0) act()
    else this.#onEmpty = act
  }

  #next(): void {
    const [turn] = this.#waiting
    if (!turn || this.#free === 0) return
    this.#waiting.delete(turn)
    this.#free--
    this.#taken++
    turn()
  }
}
