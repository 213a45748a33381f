import { memoryBackend } from '../../src/backends/memory.ts'
import { equalBytes } from '../../src/bytes/byte-order.ts'
import { collect } from '../../src/bytes/collect.ts'
import { LocalHive } from '../../src/hive.ts'
import type { StreamStore } from '../../src/store.ts'
import { digestOf } from '../../src/store/checksums.ts'
import { randomBytes } from './streams.ts'
import { text } from './store-tools.ts'

/** Block size of the crash loop, in bytes. */
export const BLOCK_SIZE = 8_000
/** Number of aliases of each process, and number of its references. */
export const NAMES = 3
/** Number of contents. All processes share them, so one process stores what another is removing. */
export const CONTENTS = 240
/** Number of contents that are stored most often: the first ones. */
export const COMMON_CONTENTS = 6
const LENGTHS = [0, 300, 17_000, 24_000, 33_000, 48_000] as const

/** The lengths of the contents. All of them differ. */
const lengths = Array.from({ length: CONTENTS }, (_, content) => {
  return LENGTHS[content % LENGTHS.length]! + Math.floor(content / LENGTHS.length)
})
/** Content that needs more than one group of blocks. */
export const LONGEST = LENGTHS.length - 1

const contents = new Map<number, Uint8Array<ArrayBuffer>>()

/** Returns the bytes of a content. They must not be changed. */
export function contentOf(content: number): Uint8Array<ArrayBuffer> {
  const known = contents.get(content)
  if (known) return known
  const bytes = randomBytes(lengths[content]!, content + 1)
  contents.set(content, bytes)
  return bytes
}

/** Returns the digest of a content. */
export function digestOfContent(content: number): Promise<Uint8Array> {
  return digestOf(memoryBackend(), contentOf(content))
}

/** What the processes of a crash loop have stored: contents by alias and by reference. Wrong content is -1. */
export interface Held {
  readonly aliases: Map<string, number>
  /** Each reference has a row, written in the same commit, with its content and its stream. */
  readonly references: Map<string, { readonly content: number; readonly id: string }>
}

/** Reads everything that the processes whose names start with `prefix` have stored. */
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

/** Returns the row of a reference. */
export function rowOf(content: number, id: string): Uint8Array<ArrayBuffer> {
  return text(`${content} ${id}`)
}
