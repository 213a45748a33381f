import { concatBytes, copyBytes, equalBytes } from '../../src/bytes/byte-order.ts'
import { toHex } from '../../src/bytes/byte-text.ts'
import type { Backend } from '../../src/store.ts'
import { decodeBlock } from '../../src/store/codecs/block-codecs.ts'
import { digestOf, loadChecksum } from '../../src/store/checksums.ts'
import {
  type BlockEntry,
  isUsable,
  PAGE_ENTRIES,
  parseCandidate,
  parsePage,
  parseReference,
  parseStream,
  parseStreamId,
  parseTrash,
  type StreamRecord,
} from '../../src/store/rows/row-values.ts'

/** The contents of a store, read directly from its backend. */
export interface StoreContents {
  /** Ids of the readable streams, with their bytes as text. */
  readonly stored: Map<string, string>
  /** Ids of the streams that are being stored or deleted. */
  readonly unfinished: string[]
  /** References, as `<id>/<text>`. */
  readonly references: string[]
  /** The rows of aliases and users, as `<kind>/<text>`. */
  readonly rows: Map<string, string>
  /** Number of rows of each kind, without those of `late`. */
  readonly counts: Record<string, number>
  /** Number of objects, without those of `late`. */
  readonly objects: number
  /** Number of objects in the trash because their put was given up, so that the engine may store them late. */
  readonly late: number
  /** Violations of the invariants that hold in every state, including those that a crash leaves. */
  readonly problems: string[]
}

/** Reads a store with an empty name, and checks its invariants. */
export async function inspectStore(backend: Backend): Promise<StoreContents> {
  const problems: string[] = []
  const counts: Record<string, number> = {}
  const rows = new Map<string, Uint8Array>()
  const kinds = new Map<string, [key: string, value: Uint8Array][]>()
  for (let after: Uint8Array | undefined; ;) {
    const some = await backend.metadata.list({ prefix: new Uint8Array(0), after, limit: 1000 })
    if (some.length === 0) break
    for (const row of some) {
      const key = latin1(row.key)
      const [name, ofKind] = [key[1]!, key.slice(3)]
      rows.set(key, row.value)
      counts[name] = (counts[name] ?? 0) + 1
      if (key[0] !== '/' || key[2] !== '/') continue
      if (kinds.has(name)) kinds.get(name)!.push([ofKind, row.value])
      else kinds.set(name, [[ofKind, row.value]])
    }
    after = some.at(-1)!.key
  }
  const kind = (name: string): [key: string, value: Uint8Array][] => kinds.get(name) ?? []

  const named = new Set<string>()
  // A leftover of a killed put is listed, but cannot be read.
  const objects = new Map<string, Uint8Array | undefined>()
  for (let after: string | undefined; ;) {
    const some = await backend.blocks.list({ prefix: 'o.', after, limit: 1000 })
    if (some.length === 0) break
    for (const { name } of some) objects.set(name, await backend.blocks.get(name))
    after = some.at(-1)!.name
  }
  const streams = new Map<string, StreamRecord>()
  const pageSets = new Set<string>()
  const stored = new Map<string, string>()
  const checksum = await loadChecksum()
  for (const [id, value] of kind('s')) {
    const record = parseStream(value)
    const what = `stream ${hex(id)} (${record.status.kind})`
    streams.set(id, record)
    const pageSet = record.pageSet ? latin1(record.pageSet) : id
    if (pageSets.has(pageSet)) problems.push(`${what} names a page set that another names`)
    pageSets.add(pageSet)
    if (record.status.kind === 'deleting') continue
    const parts: Uint8Array[] = record.content ? [record.content] : []
    for (let page = 0; page * PAGE_ENTRIES < record.blockCount; page++) {
      const row = rows.get(`/m/${pageSet}/${String.fromCharCode(0, 0, page >> 8, page & 255)}`)
      if (!row) problems.push(`${what} has no page ${page}`)
      for (const entry of row ? parsePage(row).entries : []) {
        const object = objects.get(`o.${toHex(entry.object)}`)
        if (!object) problems.push(`${what} has no object ${toHex(entry.object)}`)
        else if (!equalBytes(checksum(object), entry.checksum)) problems.push(`${what} has a damaged object`)
        if (object) parts.push(await decoded(entry, object))
      }
    }
    const bytes = concatBytes(...parts)
    if (bytes.length !== record.size) problems.push(`${what} has ${bytes.length} bytes of ${record.size}`)
    if (!isUsable(record.status)) continue
    stored.set(hex(id), latin1(bytes))
    if (!equalBytes(await digestOf(backend, bytes), record.digest!)) {
      problems.push(`${what} has bytes of another digest`)
    }
  }
  for (const [key, value] of kind('m')) {
    if (!pageSets.has(key.slice(0, 16))) problems.push(`a page of set ${hex(key.slice(0, 16))}, which no stream names`)
    for (const entry of parsePage(value).entries) named.add(`o.${toHex(entry.object)}`)
  }
  const late = new Set<string>()
  for (const [, value] of kind('t')) {
    const { entries } = parseTrash(value).page
    for (const entry of entries) named.add(`o.${toHex(entry.object)}`)
    // No block is empty: these were not known to exist.
    if (entries.some(({ storedLength }) => storedLength > 0)) continue
    for (const entry of entries) late.add(`o.${toHex(entry.object)}`)
    if (--counts['t']! === 0) delete counts['t']
  }
  for (const [object, value] of kind('i')) {
    parseStreamId(value)
    named.add(`o.${hex(object)}`)
  }
  for (const name of objects.keys()) if (!named.has(name)) problems.push(`no row names object ${name}`)
  for (const [digest, value] of kind('h')) {
    const record = streams.get(latin1(parseStreamId(value)))
    if (!record || !isUsable(record.status)) problems.push(`digest ${hex(digest)} names a stream that is not stored`)
    else if (latin1(record.digest!) !== digest) problems.push(`digest ${hex(digest)} names a stream with another`)
  }
  const references: string[] = []
  const permanent = new Set<string>()
  for (const [key, value] of kind('r')) {
    const { reference, expiresAt } = parseReference(value)
    const id = key.slice(0, 16)
    if (expiresAt === undefined) permanent.add(id)
    references.push(`${hex(id)}/${reference ? latin1(reference) : key.slice(19)}`)
    // An expired reference stays until its stream is gone.
    if (!stored.has(hex(id)) && !(expiresAt !== undefined && streams.get(id)?.status.kind === 'deleting'))
      problems.push(`a reference to stream ${hex(id)}, which is not stored`)
  }
  const candidates = new Set(
    kind('c').map(([id, value]) => {
      parseCandidate(value)
      return id
    }),
  )
  for (const [id, { status }] of streams) {
    if (!candidates.has(id) && !(status.kind === 'stored' && permanent.has(id))) {
      problems.push(`stream ${hex(id)} (${status.kind}) has no permanent reference, and is not a candidate`)
    }
  }
  return {
    stored,
    unfinished: [...streams.keys()].map(hex).filter((id) => !stored.has(id)),
    references: references.toSorted(),
    rows: new Map(['a', 'u'].flatMap((each) => kind(each).map(([key, value]) => [`${each}/${key}`, latin1(value)]))),
    counts,
    objects: [...objects.keys()].filter((name) => !late.has(name)).length,
    late: late.size,
    problems,
  }
}

/** The bytes of a block; none if its object cannot be decoded. */
async function decoded({ codec, rawLength }: BlockEntry, object: Uint8Array): Promise<Uint8Array> {
  return decodeBlock(codec, copyBytes(object), rawLength).catch(() => new Uint8Array(0))
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.byteLength; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

function hex(text: string): string {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return toHex(bytes)
}
