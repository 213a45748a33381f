// What storing-worker.ts stores. It has its own file, because a page that imports the worker would answer its messages too.

/** Block size in bytes. Entries have several blocks. */
export const BLOCK_SIZE = 20_000

/** Returns the content of an entry. Entries 0 and 1 have the same content, and so do 2 and 3, and so on. */
export function contentOf(number: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(50_000).fill(1 + ((number >> 1) % 250))
}
