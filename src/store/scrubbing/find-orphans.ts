import { toHex } from '../../bytes/byte-text.ts'
import { FormatError } from '../../errors.ts'
import type { ObjectInfo, Row } from '../backend.ts'
import { parseAtRest } from '../rows/at-rest.ts'
import { type PageRecord, parsePage, parseTrash } from '../rows/row-values.ts'
import { parseStreamRow } from '../store-context.ts'
import type { ScrubRun } from './scrub-run.ts'

/** A batch of the store's objects. */
export interface ObjectBatch {
  /** Number of objects. */
  readonly count: number
  /** Bytes of these objects. */
  readonly bytes: number
  /** Those that no row names. */
  readonly orphans: readonly ObjectInfo[]
}

/** Number of objects that are listed at a time. */
const LIST_OBJECTS = 1000

/**
 * The rows that name objects, in the order in which an object moves from one to the next: intent, the tail of an upload
 * in its stream's row, page, trash. An object that exists is therefore found in at least one of them, wherever it moves
 * meanwhile. An object that was in none of them will never be: its name is never used again.
 */
const KINDS = [
  { kind: 'i', limit: 1000 },
  { kind: 's', limit: 64 },
  { kind: 'm', limit: 32 },
  { kind: 't', limit: 32 },
] as const

type Kind = (typeof KINDS)[number]['kind']

/**
 * Finds the objects of the store that no row names. The objects are listed BEFORE the rows are read, because an object
 * that is put after its batch was listed may have rows that were written after they were read.
 *
 * Memory is bounded by the size of a batch: the rows are read again for each.
 */
export async function* findOrphans(run: ScrubRun): AsyncGenerator<ObjectBatch, void> {
  const { keys, host } = run.context
  for (let after: string | undefined; ;) {
    const batch = new Map<string, ObjectInfo>()
    let [bytes, last] = [0, '']
    for await (const object of objectsAfter(run, after)) {
      if (!keys.objectId(object.name)) {
        run.note(unknownName(object.name))
        continue
      }
      batch.set(object.name, object)
      bytes += object.size
      last = object.name
      if (batch.size === host.budget.scrubObjects) break
    }
    const count = batch.size
    if (count === 0) return
    await removeNamed(run, batch)
    yield { count, bytes, orphans: batch.size === 0 ? [] : await remaining(run, batch, after, last) }
    after = last
  }
}

function unknownName(name: string): FormatError {
  return new FormatError(`the object ${name} has a name that this version does not give`, { reason: 'unsupported' })
}

async function* objectsAfter(run: ScrubRun, start: string | undefined): AsyncGenerator<ObjectInfo, void> {
  for (let after = start; ;) {
    const some = await run.listObjects(after, LIST_OBJECTS)
    if (some.length === 0) return
    yield* some
    after = some.at(-1)!.name
  }
}

/** Removes the objects that a row names. */
async function removeNamed(run: ScrubRun, batch: Map<string, ObjectInfo>): Promise<void> {
  const { keys } = run.context
  for (const { kind, limit } of KINDS) {
    const prefix = keys.all(kind)
    for await (const rows of run.lists(prefix, limit)) {
      for (const row of rows) {
        const named = namedBy(run, kind, row, row.key.slice(prefix.byteLength))
        for (const object of named) batch.delete(keys.object(object))
      }
      if (batch.size === 0) return
    }
  }
}

/** Those that still exist. An object that was deleted since it was listed lost its row at about the same time. */
async function remaining(
  run: ScrubRun,
  batch: ReadonlyMap<string, ObjectInfo>,
  after: string | undefined,
  last: string,
): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  // Listed again, because the size of an object whose put did not finish cannot be asked for.
  for await (const object of objectsAfter(run, after)) {
    if (object.name > last) break
    if (batch.has(object.name)) found.push(object)
  }
  return found
}

/** The objects that a row names; none if it cannot be read, which is noted. */
function namedBy(run: ScrubRun, kind: Kind, { value }: Row, id: Uint8Array): readonly Uint8Array[] {
  try {
    return NAMES_IN[kind](id, value)
  } catch (error) {
    const isOfLaterVersion = (error as Error).name === 'FormatError'
    // A damaged stream is reported when it is checked.
    if (kind !== 's' || isOfLaterVersion) run.missNames(error as Error, isOfLaterVersion)
    return []
  }
}

const NAMES_IN: Readonly<Record<Kind, (id: Uint8Array, value: Uint8Array) => readonly Uint8Array[]>> = {
  i: (object) => [object],
  // In this version, none. A row of a later version may name some.
  s(id, value) {
    parseStreamRow(id, value)
    return []
  },
  m: (id, value) => objectsOf(parseAtRest(`the page ${toHex(id)}`, {}, value, parsePage)),
  t: (id, value) => objectsOf(parseAtRest(`the trash ${toHex(id)}`, {}, value, parseTrash).page),
}

function objectsOf({ entries }: PageRecord): Uint8Array[] {
  return entries.map(({ object }) => object)
}
