import type { Entry, Hive } from '../../hive/hive.ts'
import type { RequestLog } from './request-log.ts'
import type { HandlerLimits } from './handler-options.ts'
import type { Watchers } from './watchers.ts'

/** A request that has been let in: what every function of the table of routes is called with. */
export interface HiveRequest {
  /** The request; its body has not been read. */
  readonly request: Request
  /** Where the entries are. */
  readonly hive: Hive
  /** Name of the entry; empty if the request is about the hive itself. */
  readonly alias: string
  /** Name that the entry gets; empty unless the request renames it. */
  readonly destination: string
  /** What the aliases that the request is about begin with, as `authorize` was told; empty for one entry. */
  readonly prefix: string
  /** Etag of the one version that the request is about (`?v=`); undefined if it is about the current one. */
  readonly version: string | undefined
  /** An entry that is open at that version already. */
  readonly named: Entry | undefined
  /** Whether the body of the answer may be a Blob of an engine's own storage. */
  readonly takesBlob: boolean
  /** What the request may ask for at most. */
  readonly limits: HandlerLimits
  /** Those who watch the hive. */
  readonly watchers: Watchers
  /** Counts the body of the request, and hears of damage that does not change the status of the answer. */
  readonly log: RequestLog
}
