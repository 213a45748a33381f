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
/** Number of contents. All processes have the same, so that what one removes another stores meanwhile. */
export const CONTENTS = 240
/** The first of them are stored most often. */
export const COMMON_CONTENTS = 6
const LENGTHS = [0, 300, 17_000, 24_000, 33_000, 48_000] as const

/** No two contents are of the same length. */
const lengths = Array.from({ length: CONTENTS }, (_, content) => {
  return LENGTHS[content % LENGTHS.length]! + Math.floor(content / LENGTHS.length)
})
/** A content that takes more than one group of blocks. */
export const LONGEST = LENGTHS.length - 1

const contents = new Map<number, Uint8Array<ArrayBuffer>>()

/** The bytes of a content; they must not be changed. */
export function contentOf(content: number): Uint8Array<ArrayBuffer> {
  const known = contents.get(content)
  if (known) return known
  const bytes = randomBytes(lengths[content]!, content + 1)
  contents.set(content, bytes)
  return bytes
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
  const content = lengths.indexOf(bytes.byteLength)
  return content >= 0 && equalBytes(bytes, contentOf(content)) ? content : -1
}

/** The row of a reference. */
export function rowOf(content: number, id: string): Uint8Array<ArrayBuffer> {
  return text(`${content} ${id}`)
}
