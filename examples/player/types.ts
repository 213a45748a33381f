// The types that the page's modules name in their comments.
export type { Entry, EntryInfo, Hive, HttpHiveOptions, ListedEntry, SinkOptions } from 'combstream'
export type { Delivery, HiveWorker } from 'combstream/service-worker'

/** What the page looks at in an error: `name` tells the kind, the rest are the facts of some kinds. */
export interface Failure {
  readonly name: string
  readonly message: string
  /** Status of the answer that told of it. */
  readonly status?: number | undefined
  /** Largest number of bytes that is accepted. */
  readonly limit?: number | undefined
  /** The version that stands in the way. */
  readonly actualEtag?: string | undefined
}
