import type { Entry } from './hive.ts'

/** Makes `await using` work where the host supports it: WebKit has no `Symbol.asyncDispose`. */
export function attachAsyncDispose(entry: Entry): void {
  const key: symbol | undefined = Symbol.asyncDispose
  if (key) Object.defineProperty(entry, key, { value: () => entry.close() })
}
