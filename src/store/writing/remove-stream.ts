import type { Check } from '../backend.ts'
import type { StreamRecord } from '../rows/row-values.ts'
import { PageMap } from '../reading/page-map.ts'
import { persistently } from '../retry.ts'
import { getRows } from '../rows/get-rows.ts'
import type { StoreContext } from '../store-context.ts'

/** Rows that are deleted in one commit. */
const DELETE_ROWS = 90

/**
 * Deletes the objects and rows of a stream whose row says that it is being deleted: the objects first, so that a row
 * names each until it is gone, and the stream's own row last.
 *
 * @param intents Objects that no page names.
 */
export async function removeStream(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  version: string,
  intents: readonly Uint8Array[],
): Promise<void> {
  const { keys } = context
  const key = keys.stream(id)
  const pages = await deleteBlocks(context, id, record, intents)
  const rows = [...intents.map((object) => keys.intent(object)), ...pages]
  await deleteRows(context, [...rows, key, keys.candidate(id)], [{ key, version }])
}

/**
 * Deletes the objects of a stream that is not stored, and never will be.
 *
 * @param intents Objects that no page names.
 * @returns the keys of its pages.
 */
export async function deleteBlocks(
  context: StoreContext,
  id: Uint8Array,
  record: StreamRecord,
  intents: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  await deleteObjects(context, intents)
  const keys: Uint8Array[] = []
  const pages = new PageMap(context, id, record)
  for (let index = 0; index < pages.pageCount; index++) {
    const page = await persistently(context.host, () => pages.readPage(index))
    if (!page) continue
    const { entries } = page.record
    await deleteObjects(
      context,
      entries.map(({ object }) => object),
    )
    keys.push(page.key)
  }
  return keys
}

/** The objects whose intents exist: only a row can show that no other stream has the object. */
export async function findIntents(context: StoreContext, objects: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const { keys, host } = context
  const found: Uint8Array[] = []
  const { parallelLookups } = host.budget
  for (let i = 0; i < objects.length; i += parallelLookups) {
    const some = objects.slice(i, i + parallelLookups)
    const wanted = some.map((object) => keys.intent(object))
    const rows = await getRows(context, wanted)
    found.push(...some.filter((_, index) => rows[index]))
  }
  return found
}

/** Deletes objects that no page names, then their intents. */
export async function removeObjects(context: StoreContext, intents: readonly Uint8Array[]): Promise<void> {
  await deleteObjects(context, intents)
  await deleteRows(
    context,
    intents.map((object) => context.keys.intent(object)),
    [],
  )
}

/** Deletes objects, whether they exist or not. */
export async function deleteObjects(
  { backend, keys, host }: StoreContext,
  objects: readonly Uint8Array[],
): Promise<void> {
  const { parallelDeletes } = host.budget
  for (let i = 0; i < objects.length; i += parallelDeletes) {
    const some = objects.slice(i, i + parallelDeletes)
    await Promise.all(some.map((object) => persistently(host, () => backend.blocks.delete(keys.object(object)))))
  }
}

async function deleteRows(
  { backend, host }: StoreContext,
  rows: readonly Uint8Array[],
  checks: Check[],
): Promise<void> {
  for (let i = 0; i < rows.length; i += DELETE_ROWS) {
    const mutations = rows.slice(i, i + DELETE_ROWS).map((key) => ({ key, value: undefined }))
    // Another process removes the rest.
    if (!(await persistently(host, () => backend.metadata.commit(checks, mutations)))) return
  }
}
