/** Files that are held at most. A `File` does not have the bytes, so it takes little memory. */
const MAX_FILES = 32

/**
 * Files that are opened before somebody asks for their bytes, since opening one takes a browser a third as long as reading it. A
 * file that nobody asks for is dropped when the place is needed for another.
 */
export class EarlyFiles {
  readonly #open: (name: string) => Promise<File | undefined>
  /** By their names, the one that was opened first at the front. */
  readonly #files = new Map<string, Promise<File | undefined>>()

  /** @param open Opens a file; undefined if there is none. */
  constructor(open: (name: string) => Promise<File | undefined>) {
    this.#open = open
  }

  /** Begins to open files, except those that are here. */
  open(names: readonly string[]): void {
    for (const name of names) {
      if (this.#files.has(name)) continue
      // Whoever wants it learns of the failure by trying again.
      this.#files.set(
        name,
        this.#open(name).catch(() => undefined),
      )
      if (this.#files.size > MAX_FILES) this.drop(this.#files.keys().next().value!)
    }
  }

  /** Hands out a file; undefined if it is not here, or could not be opened. It may have been deleted since. */
  take(name: string): Promise<File | undefined> | undefined {
    const file = this.#files.get(name)
    this.#files.delete(name)
    return file
  }

  drop(name: string): void {
    this.#files.delete(name)
  }

  clear(): void {
    this.#files.clear()
  }
}
