/** A change of an entry. */
export interface EntryChange {
  /** Name of the entry. */
  readonly alias: string
  /** Etag of its new version, quotes included; undefined if the entry was removed. */
  readonly etag: string | undefined
}

/**
 * Says that changes may be missing from a stream of changes: any entry that it is about may have changed. Look at those
 * that matter, for example with `list`.
 */
export interface MissedChanges {
  /** Always undefined. */
  readonly alias: undefined
  /** Always undefined. */
  readonly etag: undefined
}

/** What {@linkcode Hive.watch} brings. Its `alias` is undefined if changes were missed. */
export type HiveChange = EntryChange | MissedChanges

/** The only one of its kind. */
export const MISSED: MissedChanges = { alias: undefined, etag: undefined }
