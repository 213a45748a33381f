import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { randomBytes, rejection } from '../node-tests/support/streams.ts'
import { type MediaFrame, openMediaFrame } from './support/media-frame.ts'

const MIB = 1024 * 1024

const hiveUrl = inject('hiveUrl')
/** All tests of this run share the hive. */
const ALIAS = `${crypto.randomUUID()}/file.bin`
let frame: MediaFrame

beforeAll(async () => {
  frame = await openMediaFrame('update')
})

afterAll(() => frame.remove())

describe('a page', () => {
  it('stores a file, and updates it with a delta that is a small part of its size', async () => {
    const { DeltaStream, HttpHive, loadSignature } = frame.combstream
    const { counted, counting } = countingFetch()
    const hive = new HttpHive(hiveUrl, { fetch: counting })
    const old = new Blob([randomBytes(4 * MIB)])
    const first = hive.sink(ALIAS, { type: 'application/x-test', ifNoneMatch: '*' })
    await new File([old], 'file.bin').stream().pipeTo(first)
    expect(await first.entry).toMatchObject({ size: old.size, type: 'application/x-test' })
    expect(counted.sent).toBe(old.size)

    counted.sent = counted.received = 0
    const edited = new Blob([old.slice(0, MIB), 'inserted', old.slice(MIB)])
    const entry = await hive.open(ALIAS)
    const signature = await loadSignature(entry.signature())
    const update = hive.patchSink(ALIAS, { ifMatch: entry.etag })
    await edited.stream().pipeThrough(new DeltaStream(signature)).pipeTo(update)
    expect(await update.entry).toMatchObject({ size: edited.size, type: 'application/x-test' })
    expect(counted.sent).toBeLessThan(edited.size / 500)
    expect(counted.sent + counted.received).toBeLessThan(edited.size * 0.03)

    const stored = await new Response((await hive.open(ALIAS)).stream()).arrayBuffer()
    expect(await digest(stored)).toBe(await digest(await edited.arrayBuffer()))
    const late = hive.patchSink(ALIAS, { ifMatch: entry.etag })
    expect(await rejection(new Blob(['x']).stream().pipeTo(late))).toMatchObject({ name: 'ConflictError' })
  })
})

/** A fetch that counts the bytes of the bodies that pass through it. */
function countingFetch(): {
  counted: { sent: number; received: number }
  counting: (url: string, init: RequestInit) => Promise<Response>
} {
  const counted = { sent: 0, received: 0 }
  const counting = async (url: string, init: RequestInit): Promise<Response> => {
    if (ArrayBuffer.isView(init.body)) counted.sent += init.body.byteLength
    const response = await fetch(url, init)
    if (!response.body) return response
    const bytes = await response.arrayBuffer()
    counted.received += bytes.byteLength
    return new Response(bytes, { status: response.status, headers: response.headers })
  }
  return { counted, counting }
}

async function digest(bytes: ArrayBuffer): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).join()
}
