import { afterEach, describe, expect, it } from 'vitest'
import { server } from 'vitest/browser'
import { indexedDbBackend } from '../src/backends/indexeddb.ts'
import { opfsBackend } from '../src/backends/opfs.ts'
import type { Backend } from '../src/store.ts'
import { backendCases } from '../src/testing.ts'
import { fillStorage, storeInSmallBucket } from './support/fill-storage.ts'

/** Less than the case for a backend with little space stores. */
const ROOM_BYTES = 3_000_000
const KEY = new Uint8Array([1])

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

/** Leaves the site little room, opens a backend, and deletes it after the test. */
async function openSmall(open: (name: string) => Promise<Backend>): Promise<Backend> {
  const fill = server.browser === 'chromium' ? storeInSmallBucket(ROOM_BYTES) : fillStorage(window, KEY, ROOM_BYTES)
  undo.push(await fill)
  const name = `full ${crypto.randomUUID()}`
  undo.push(async () => {
    indexedDB.deleteDatabase(`combstream:${name}`)
    const hives = await (await navigator.storage.getDirectory()).getDirectoryHandle('combstream', { create: true })
    await hives.removeEntry(encodeURIComponent(name), { recursive: true }).catch(() => undefined)
  })
  return open(name)
}

const OPENERS = { indexedDbBackend, opfsBackend }

// WebKitGTK has no limit within what a test can write.
describe.runIf(server.browser !== 'webkit').each(Object.entries(OPENERS))('%s', (_, open) => {
  const make = (): Promise<Backend> => openSmall(open)
  it.each(backendCases(make, { makeSmall: make }).slice(-1))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
