import type { StreamStore } from 'combstream'

/** The reference of all contents of a bench. */
export const REFERENCE = new Uint8Array([1])

/** Stores content. Resolves with its id. */
export async function storeContent(store: StreamStore, content: Uint8Array): Promise<string> {
  const sink = store.sink({ reference: REFERENCE })
  const writer = sink.getWriter()
  await writer.write(content)
  await writer.close()
  return (await sink.stored).id
}

/** Does some work for each item, `workers` items at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  workers: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const run = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: workers }, run))
}
