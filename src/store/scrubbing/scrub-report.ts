import type { ReferenceOwner } from '../rows/row-keys.ts'

/** A reference of a damaged stream: what the stream is used for. */
export interface StreamReference {
  /** Who set it. The references of a hive's entries have the owner `alias`. */
  readonly owner: ReferenceOwner
  /** The reference itself. */
  readonly reference: Uint8Array
}

/** A stream whose bytes cannot be read. */
export interface DamagedStream {
  /** Id of the stream. */
  readonly id: string
  /** What was found first. */
  readonly error: Error
  /** Number of blocks that are missing, wrong or unreadable. 0 if the damage is elsewhere: `error` says where. */
  readonly damagedBlocks: number
  /** Indexes of these blocks, at most 100. */
  readonly blocks: readonly number[]
  /** The references of the stream, at most 100. */
  readonly references: readonly StreamReference[]
  /** Whether there are more references. */
  readonly moreReferences: boolean
  /** Whether the stream is marked as damaged, so that storing its content again replaces its blocks. */
  readonly marked: boolean
}

/** What a scrub found, and what it did, or would do in the case of a dry run. */
export interface ScrubReport {
  /** The store's objects. */
  readonly objects: {
    /** Number of objects. */
    readonly count: number
    /** Bytes of these objects. */
    readonly bytes: number
  }
  /** What was read and checked. */
  readonly checked: {
    /** Number of streams, damaged ones included. */
    readonly streams: number
    /** Number of blocks that were read. */
    readonly blocks: number
    /** Bytes of these blocks, as they are stored. */
    readonly bytes: number
  }
  /** Streams that are damaged. */
  readonly damaged: {
    /** Number of these streams. */
    readonly streams: number
    /** Number of their blocks that are missing, wrong or unreadable. */
    readonly blocks: number
    /** Number of these streams that have the damage mark now. */
    readonly marked: number
    /** The first of them, at most 1,000. */
    readonly list: readonly DamagedStream[]
  }
  /** Objects that no row names. */
  readonly orphans: {
    /** Number of these objects. */
    readonly count: number
    /** Bytes of these objects. */
    readonly bytes: number
    /** Names of the first of them, at most 10,000. */
    readonly names: readonly string[]
    /** Whether rows that could not be read may name some of them. */
    readonly uncertain: boolean
  }
  /** Orphans that were moved to the trash. */
  readonly moved: {
    /** Number of these objects. */
    readonly count: number
    /** Bytes of these objects. */
    readonly bytes: number
    /** When a collection with the same grace period may delete them; undefined if there are none. */
    readonly until: Date | undefined
  }
  /** Rows and objects that are damaged or of a later version, at most 100. They were left alone. */
  readonly problems: readonly Error[]
}
