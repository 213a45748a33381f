import { memoryBackend } from '../../src/backends/memory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import type { StreamStore } from '../../src/store.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { randomBytes } from './streams.ts'
import { text } from './store-tools.ts'

/** Bytes in a block of the crash loop. */
export const BLOCK_SIZE = 8_000
/** How many aliases, and how many references, each process has. */
export const NAMES = 3
/** The lengths of the contents. All processes have the same few, so that what one removes another stores meanwhile. */
export const CONTENTS = [0, 300, 17_000, 24_000, 48_000] as const

const contents = CONTENTS.map((byteLength, content) => randomBytes(byteLength, content + 1))

/** The bytes of a content. */
export function contentOf(content: number): Uint8Array<ArrayBuffer> {
  return contents[content]!.slice()
}

/** The digest of a content. */
export function digestOfContent(content: number): Promise<Uint8Array> {
  return digestOf(memoryBackend(), contentOf(content))
}

/** What the processes of a crash loop have stored: contents by alias and by reference. A wrong content is -1. */
export interface Held {
  readonly aliases: Map<string, number>
  /** Each reference has a row, written in the same commit, that tells its content and its stream. */
  readonly references: Map<string, { readonly content: number; readonly id: string }>
}

/** Reads all that the processes whose names begin with `prefix` have stored. */
export async function readHeld(store: StreamStore, prefix = ''): Promise<Held> {
  const held: Held = { aliases: new Map(), references: new Map() }
  const hive = new LocalHive(store)
  for (const { alias } of (await hive.list({ prefix })).entries) {
    held.aliases.set(alias, await identify((await hive.open(alias)).stream()))
  }
  const rows = await store.transaction((tx) => tx.list({ prefix: text(prefix), limit: 1000 }))
  for (const row of rows) {
    const [content, id] = new TextDecoder().decode(row.value).split(' ') as [string, string]
    const actual = await identify((await store.open(id)).stream())
    held.references.set(new TextDecoder().decode(row.key), { content: actual === Number(content) ? actual : -1, id })
  }
  return held
}

async function identify(stream: ReadableStream<Uint8Array>): Promise<number> {
  const bytes = await collect(stream)
  return contents.findIndex((content) => equalBytes(bytes, content))
}

/** The row of a reference. */
export function rowOf(content: number, id: string): Uint8Array<ArrayBuffer> {
  return text(`${content} ${id}`)
}
