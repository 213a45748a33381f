import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource, createHiveHandler, HttpHive, LocalHive, StreamStore } from '../../src/index.ts'
import {
  applyDelta,
  DeltaStream,
  loadSignature,
  makeDelta,
  makeSignature,
  PatchStream,
  rangePlan,
  rebuild,
  SignatureStream,
  WorkerPool,
} from '../../src/rsync.ts'
import { createFetchResponder, mediaUrl } from '../../src/service-worker.ts'
import { soon } from '../support/streams.ts'

const store = new StreamStore(memoryBackend())
const hive = new LocalHive(store)
await bytesSource(new Uint8Array(10)).stream().pipeTo(hive.sink('x'))
const entry = await hive.open('x')
const remote = new HttpHive('http://hive.test/', { fetch: () => Promise.reject(new TypeError('offline')), retries: 0 })
const signature = await loadSignature(entry.signature())
const plan = await rangePlan(signature, entry, { size: 10 })

/** Values that a caller may pass by mistake. */
const VALUES: Record<string, unknown> = {
  'a long string': 'x'.repeat(1_000_000),
  'many bytes': new Uint8Array(1_000_000),
  'a long array': Array.from({ length: 100_000 }, () => 'value'),
  'an object without a prototype': Object.create(null),
  'an object that cannot be a string': { toString: 5, valueOf: undefined },
  'a symbol': Symbol('x'.repeat(100_000)),
  'a long bigint': 10n ** 3_000n,
  'a promise': Promise.resolve(),
  'a function': () => undefined,
  null: null,
}

/** Every call whose error message may contain a value from the caller. */
const CALLS: Record<string, (value: never) => unknown> = {
  bytesSource: (value) => bytesSource(value),
  'slice of a source': (value) => bytesSource(new Uint8Array(1)).slice(value),
  DeltaStream: (value) => new DeltaStream(value),
  'DeltaStream mode': (mode) => new DeltaStream(signature, { mode }),
  'DeltaStream pool': (pool) => new DeltaStream(signature, { pool }),
  PatchStream: (value) => new PatchStream(value),
  'PatchStream trailingBytes': (trailingBytes) => new PatchStream(entry, { trailingBytes }),
  'PatchStream digest': (digest) => new PatchStream(entry, { expected: { digest } }),
  'SignatureStream sum': (sum) => new SignatureStream({ sum }),
  'SignatureStream blockLength': (blockLength) => new SignatureStream({ blockLength }),
  WorkerPool: (value) => new WorkerPool(value),
  loadSignature: (value) => loadSignature(value),
  makeSignature: (value) => makeSignature(value),
  'makeDelta signature': (value) => makeDelta(value, entry),
  'makeDelta source': (value) => makeDelta(signature, value),
  'applyDelta basis': (value) => applyDelta(value, new Uint8Array(1)),
  'applyDelta delta': (value) => applyDelta(entry, value),
  'rangePlan signature': (value) => rangePlan(value, entry, { size: 10 }),
  'rangePlan local': (value) => rangePlan(signature, value, { size: 10 }),
  'rangePlan size': (size) => rangePlan(signature, entry, { size }),
  'rebuild plan': (value) => rebuild(value, entry, entry),
  'rebuild local': (value) => rebuild(plan, value, entry),
  'rebuild digest': (digest) => rebuild(plan, entry, entry, { digest }),
  StreamStore: (value) => new StreamStore(value),
  'StreamStore name': (name) => new StreamStore(memoryBackend(), { name }),
  'StreamStore blockSize': (blockSize) => new StreamStore(memoryBackend(), { blockSize }),
  'open of a store': (value) => store.open(value),
  'lookup of a store': (value) => store.lookup([value]),
  'open in a transaction': (value) => store.transaction((tx) => tx.open(value)),
  'markAsUsed in a transaction': (value) => store.transaction((tx) => tx.markAsUsed(value, new Uint8Array(1))),
  'LocalHive.link': (value) => hive.link('y', value),
  LocalHive: (value) => new LocalHive(value),
  'LocalHive maxEntrySize': (maxEntrySize) => new LocalHive(new StreamStore(memoryBackend()), { maxEntrySize }),
  'slice of an entry': (value) => entry.slice(0, value),
  'stream of an entry': (start) => entry.stream({ start }),
  'reader of an entry': (bufferSize) => entry.reader({ bufferSize }),
  'seek of a reader': (value) => entry.reader().seek(value),
  'write to a sink': (value) => hive.sink('y').getWriter().write(value),
  'HttpHive url': (value) => new HttpHive(value),
  'HttpHive validate': (validate) => new HttpHive('http://hive.test/', { validate }),
  'HttpHive retries': (retries) => new HttpHive('http://hive.test/', { retries }),
  'createHiveHandler base': (base) => createHiveHandler(hive, { base }),
  'createHiveHandler hosts': (hosts) => createHiveHandler(hive, { hosts }),
  'createHiveHandler uploadBytes': (uploadBytes) => createHiveHandler(hive, { limits: { uploadBytes } }),
  createFetchResponder: (base) => createFetchResponder(hive, { base }),
  mediaUrl: (value) => mediaUrl(value, entry),
  'list of rows': (limit) => store.transaction((tx) => tx.list({ limit })),
  'createHiveHandler cors': (value) => createHiveHandler(hive, { cors: [value] }),
}
for (const [kind, each] of Object.entries({ LocalHive: hive, HttpHive: remote })) {
  Object.assign(CALLS, {
    [`${kind}.open`]: (value) => each.open(value),
    [`${kind}.open bufferSize`]: (bufferSize) => each.open('x', { bufferSize }),
    [`${kind}.open consistency`]: (consistency) => each.open('x', { consistency }),
    [`${kind}.stat`]: (value) => each.stat(value),
    [`${kind}.remove`]: (value) => each.remove(value),
    [`${kind}.remove ifMatch`]: (ifMatch) => each.remove('x', { ifMatch }),
    [`${kind}.rename`]: (value) => each.rename('x', value),
    [`${kind}.rename ifMatch`]: (ifMatch) => each.rename('x', 'y', { ifMatch }),
    [`${kind}.rename overwrite`]: (overwrite) => each.rename('x', 'y', { overwrite }),
    [`${kind}.list prefix`]: (prefix) => each.list({ prefix }),
    [`${kind}.list limit`]: (limit) => each.list({ limit }),
    [`${kind}.entries after`]: (after) => each.entries({ after }),
    [`${kind}.sink`]: (value) => each.sink(value),
    [`${kind}.sink ifMatch`]: (ifMatch) => each.sink('x', { ifMatch }),
    [`${kind}.sink ifNoneMatch`]: (ifNoneMatch) => each.sink('x', { ifNoneMatch }),
    [`${kind}.sink type`]: (type) => each.sink('x', { type }),
    [`${kind}.patchSink ifMatch`]: (ifMatch) => each.patchSink('x', { ifMatch }),
  } satisfies typeof CALLS)
}

/** Returns what a call throws, or what its promise rejects with. Returns undefined if it succeeds. */
async function failureOf(call: () => unknown): Promise<Error | undefined> {
  try {
    const result = call()
    if (typeof (result as Partial<Promise<unknown>> | undefined)?.then === 'function') {
      await soon(Promise.resolve(result), 'the call')
    }
    return undefined
  } catch (error) {
    return error as Error
  }
}

for (const [title, call] of Object.entries(CALLS)) {
  it(`${title}: the message about a wrong value is short, and our own`, async () => {
    for (const [kind, value] of Object.entries(VALUES)) {
      const error = await failureOf(() => call(value as never))
      if (!error) continue
      expect(error.message.length, kind).toBeLessThan(500)
      // What engines say when a value cannot be converted to a string or a number.
      expect(error.message, kind).not.toMatch(/convert|primitive|No default value|toPrimitive/i)
    }
  })
}
