import type { Answer } from './answer.ts'
import type { Action, Operation } from './transfer.ts'
import type { HiveRequest } from './hive-request.ts'
import { listEntries } from './list-entries.ts'
import { readEntry, readSignature } from './read-entry.ts'
import { readManifest } from './read-manifest.ts'
import type { Resource } from './resource.ts'
import { watchEntries } from './watch-entries.ts'
import { moveEntry, patchEntry, putEntry, removeEntry } from './write-entry.ts'

/** How one method on one resource is answered. */
export interface Route {
  /** What the request asks for, as `authorize` and `onTransfer` are told. */
  readonly operation: Operation
  /**
   * The class of the operation, as `authorize` is told. If it is not `read`, a page of another origin needs the consent
   * of `cors`.
   */
  readonly action: Action
  /** Whether the answer costs the server more than its bytes: then pages of other sites may not embed it. */
  readonly computes?: boolean
  /** Whether the request also names the entry that it writes, in the header field Destination. */
  readonly moves?: boolean
  /** Makes the answer. The handler leaves out the body for HEAD. */
  answer(asked: HiveRequest): Promise<Answer>
}

/**
 * The table of routes: which function answers which method on which resource. The methods are in the order of the
 * header field Allow. The handler itself answers OPTIONS, from this table, and 405 for what is not in it.
 */
export const ROUTES: Readonly<Record<Resource, Readonly<Record<string, Route>>>> = {
  hive: {
    GET: { operation: 'list', action: 'read', answer: listEntries },
    HEAD: { operation: 'list', action: 'read', answer: listEntries },
  },
  watch: {
    GET: { operation: 'watch', action: 'read', computes: true, answer: watchEntries },
    HEAD: { operation: 'watch', action: 'read', answer: watchEntries },
  },
  entry: {
    GET: { operation: 'read', action: 'read', answer: readEntry },
    HEAD: { operation: 'head', action: 'read', answer: readEntry },
    PUT: { operation: 'put', action: 'write', answer: putEntry },
    PATCH: { operation: 'patch', action: 'write', answer: patchEntry },
    DELETE: { operation: 'remove', action: 'remove', answer: removeEntry },
    MOVE: { operation: 'move', action: 'remove', moves: true, answer: moveEntry },
  },
  version: {
    GET: { operation: 'read', action: 'read', answer: readEntry },
    HEAD: { operation: 'head', action: 'read', answer: readEntry },
  },
  signature: {
    GET: { operation: 'signature', action: 'read', computes: true, answer: readSignature },
    HEAD: { operation: 'signature', action: 'read', answer: readSignature },
  },
  manifest: {
    GET: { operation: 'manifest', action: 'read', computes: true, answer: readManifest },
    HEAD: { operation: 'manifest', action: 'read', answer: readManifest },
  },
}
