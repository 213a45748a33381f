/** What a request asked for. */
export type Operation =
  | 'read'
  | 'head'
  | 'signature'
  | 'manifest'
  | 'list'
  | 'watch'
  | 'put'
  | 'patch'
  | 'remove'
  | 'move'
  | 'options'

/**
 * The class of an operation: whether it reads the hive, writes a new version of an entry, or removes an entry. An
 * `options` request belongs to none.
 */
export type Action = 'read' | 'write' | 'remove'

/** A request and its answer, after they have ended: completed, refused, failed, or given up by the client. */
export interface Transfer {
  /** What the request asked for; undefined if it was refused before that was known. */
  readonly operation: Operation | undefined
  /** Name of the entry, where there is one. */
  readonly alias: string | undefined
  /** Status code of the answer. */
  readonly status: number
  /** Bytes of the request's body, as many as were read. */
  readonly received: number
  /** Bytes of the answer's body, as many as were handed to the server; of an answer that `authorize` gave, 0. */
  readonly sent: number
}
