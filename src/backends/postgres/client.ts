/**
 * What this package uses of the driver `postgres`. These are its own types, so that whoever uses another backend need
 * not install the driver.
 *
 * @module
 */

/** A field of a row as the server sends it, as text; null for NULL. */
export type RawField = Uint8Array | null

/** A row as the server sends it. */
export type RawRow = readonly RawField[]

/** What a statement is answered with. */
export interface RawResult extends ReadonlyArray<RawRow> {
  /** The command, such as `SELECT`. */
  readonly command: string
  /** How many rows the server says that it has given, or changed; null if it does not say. */
  readonly count: number | null
}

/** A statement that has been asked for. */
export interface PostgresQuery extends PromiseLike<unknown> {
  /** Has the rows given as they arrive, without parsers and transforms of the client. */
  raw(): PromiseLike<RawResult>
}

/** What runs statements: a client, or the transaction that its `begin` passes on. */
export interface PostgresStatements {
  /** Asks for a statement. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the driver's own type, which depends on the types of its user
  unsafe(statement: string, parameters?: any[], options?: { prepare?: boolean }): PostgresQuery
}

/** A client of the driver: what `postgres(url)` returns. */
export interface PostgresClient extends PostgresStatements {
  /** Its settings. */
  readonly options: {
    /** The largest number of connections. */
    readonly max: number
  }
  /** Calls `onNotice` for each notification of a channel, and `onListening` each time that listening has begun. */
  listen(channel: string, onNotice: (payload: string) => void, onListening?: () => void): PromiseLike<PostgresListening>
  /** Closes all connections: after `timeout` seconds, also those that are in use. */
  end(options?: { timeout?: number }): Promise<void>
}

/** A transaction: what the client's `begin` passes to its function. */
export interface PostgresTransaction extends PostgresStatements {
  /** Runs a part of the transaction that can be rolled back by itself. */
  savepoint: unknown
}

/** Notifications that are being listened for. */
export interface PostgresListening {
  /** Stops listening. */
  unlisten(): Promise<void>
}
