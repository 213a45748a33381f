// Types for the comments of the page's modules.
import type { Backend, StreamStore } from 'combstream'

export type { Entry, EntryInfo, Hive, HttpHiveOptions, ListedEntry, SinkOptions } from 'combstream'
export type { Delivery, HiveWorker, WorkerCache } from 'combstream/service-worker'

/** The fields of an error that the page uses: `name` is the kind; the others exist only for some kinds. */
export interface Failure {
  readonly name: string
  readonly message: string
  /** Status of the answer that reported it. */
  readonly status?: number | undefined
  /** Largest number of bytes that is accepted. */
  readonly limit?: number | undefined
  /** The version that conflicts. */
  readonly actualEtag?: string | undefined
}

/** The store of a hive that is in the browser, and its backend. */
export interface BrowserStorage {
  readonly store: StreamStore
  readonly backend: Backend
}
