/** Options that every operation of a hive takes. */
export interface HiveCallOptions {
  /** Aborts the operation, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}
