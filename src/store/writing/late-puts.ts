import { persistently } from '../retry.ts'
import { PAGE_ENTRIES } from '../rows/row-values.ts'
import { trashObjects } from '../rows/trash-objects.ts'
import type { StoreContext } from '../store-context.ts'

/**
 * The objects of puts that failed or were aborted, and that the engine may store all the same, after we have deleted them.
 * In the trash, they are deleted once more after the grace period. No page will ever name them, so they may go there at any time.
 */
export class LatePuts {
  readonly #context: StoreContext
  #objects: Uint8Array[] = []

  constructor(context: StoreContext) {
    this.#context = context
  }

  /** Adds the object of such a put, if the engine may store it late. */
  add(object: Uint8Array): void {
    if (this.#context.backend.blocks.putsMayArriveLate) this.#objects.push(object)
  }

  /** Moves them to the trash. */
  async trash(): Promise<void> {
    while (this.#objects.length > 0) {
      const some = this.#objects.slice(0, PAGE_ENTRIES)
      const row = trashObjects(
        this.#context,
        some.map((object) => ({ object, size: 0 })),
      )
      await persistently(this.#context.host, () => this.#context.backend.metadata.commit([], [row]))
      this.#objects = this.#objects.slice(some.length)
    }
  }
}
