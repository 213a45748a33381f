import { type AliasKey, aliasKeyOf } from './cache-keys.ts'

/** Keys that are remembered. */
const MOST_KEYS = 1_000

/** The keys of the aliases that were asked for last: making one hashes the alias, which takes longer than a read of a row. */
export class AliasKeys {
  /** The oldest first. */
  readonly #keys = new Map<string, Promise<AliasKey>>()

  /** The key of an alias. Nobody may change it. */
  get(alias: string): Promise<AliasKey> {
    const known = this.#keys.get(alias)
    if (known) return known
    const key = aliasKeyOf(alias)
    this.#keys.set(alias, key)
    if (this.#keys.size > MOST_KEYS) this.#keys.delete(this.#keys.keys().next().value!)
    return key
  }
}
