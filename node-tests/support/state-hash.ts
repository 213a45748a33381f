/** A hash of 64 bits that is made step by step. It is not a cryptographic one. */
export class StateHash {
  #a: number
  #b: number

  constructor(a = 0x9e3779b9, b = 0x7f4a7c15) {
    this.#a = a | 0
    this.#b = b | 0
  }

  /** Adds a number of 32 bits. */
  number(value: number): this {
    this.#a = Math.imul(this.#a ^ value, 0x85ebca6b)
    this.#a ^= this.#a >>> 15
    this.#b = Math.imul((this.#b + value) | 0, 0xc2b2ae35) ^ this.#a
    this.#b ^= this.#b >>> 13
    return this
  }

  /** Adds a text and its length. */
  text(value: string): this {
    this.number(value.length)
    for (let i = 0; i < value.length; i++) this.number(value.charCodeAt(i))
    return this
  }

  /** Adds bytes and their number. */
  bytes(value: Uint8Array): this {
    this.number(value.length)
    for (const byte of value) this.number(byte)
    return this
  }

  /** Adds what another hash has taken. */
  hash(other: StateHash): this {
    return this.number(other.#a).number(other.#b)
  }

  copy(): StateHash {
    return new StateHash(this.#a, this.#b)
  }

  /** Adds another hash to this one in such a way that the order of the additions does not matter. */
  add(other: StateHash): void {
    this.#a = (this.#a + other.#a) | 0
    this.#b = (this.#b + other.#b) | 0
  }

  /** Undoes {@linkcode add}. */
  subtract(other: StateHash): void {
    this.#a = (this.#a - other.#a) | 0
    this.#b = (this.#b - other.#b) | 0
  }

  /** The 64 bits as four characters. */
  toString(): string {
    const [a, b] = [this.#a, this.#b]
    return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16)
  }
}
