import type { NetworkRun, HeldBlock } from './network-run.ts'

/** What the readers of one version in this process share. */
export class SharedVersion {
  /** Streams from the network. */
  readonly runs: Set<NetworkRun> = new Set()
  /** Blocks that are complete and not stored yet, by index. */
  readonly storing: Map<number, HeldBlock> = new Map()
}

/** The shared versions of a hive, by partition, alias, etag, size and block length. */
export class SharedVersions {
  readonly #versions = new Map<string, SharedVersion>()

  /** What is shared of a version now; undefined if nothing is. */
  get(key: string): SharedVersion | undefined {
    return this.#versions.get(key)
  }

  /** Adds a run. */
  addRun(key: string, run: NetworkRun): void {
    this.#of(key).runs.add(run)
  }

  /** Removes a run. */
  removeRun(key: string, run: NetworkRun): void {
    this.#versions.get(key)?.runs.delete(run)
    this.#tidy(key)
  }

  /** Adds a block that is being stored. */
  addBlock(key: string, block: HeldBlock): void {
    this.#of(key).storing.set(block.index, block)
  }

  /** Removes a block. */
  removeBlock(key: string, block: HeldBlock): void {
    const storing = this.#versions.get(key)?.storing
    if (storing?.get(block.index) === block) storing.delete(block.index)
    this.#tidy(key)
  }

  #of(key: string): SharedVersion {
    let version = this.#versions.get(key)
    if (!version) {
      version = new SharedVersion()
      this.#versions.set(key, version)
    }
    return version
  }

  #tidy(key: string): void {
    const version = this.#versions.get(key)
    if (version?.runs.size === 0 && version.storing.size === 0) this.#versions.delete(key)
  }
}
