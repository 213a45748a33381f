// Reads an entry the given number of times, in turn to its end, up to a cancel, an abort or a failure, and prints how often.
import process from 'node:process'
import { memoryBackend } from '../../src/backends/memory.ts'
import { BackendError } from '../../src/errors.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

const { metadata, blocks, ...rest } = memoryBackend()
const broken = { isBroken: false }
const backend = {
  ...rest,
  metadata,
  blocks: {
    put: blocks.put.bind(blocks),
    get(...call: Parameters<typeof blocks.get>) {
      return broken.isBroken ? Promise.reject(new BackendError('broken', { retryable: false })) : blocks.get(...call)
    },
    size: blocks.size.bind(blocks),
    delete: blocks.delete.bind(blocks),
    list: blocks.list.bind(blocks),
  },
}
const hive = new LocalHive(new StreamStore(backend, { blockSize: 10 }))
await new Blob(['twice ten bytes, once']).stream().pipeTo(hive.sink('x'))

type Reader = ReadableStreamDefaultReader<Uint8Array>

async function readAll(reader: Reader): Promise<void> {
  while (!(await reader.read()).done);
}

const WAYS: readonly ((reader: Reader, abort: AbortController) => Promise<unknown>)[] = [
  readAll,
  (reader) => reader.cancel(),
  (reader) => reader.cancel(new Error('that is enough')),
  (reader, abort) => {
    abort.abort()
    return readAll(reader).catch(() => undefined)
  },
  async (reader) => {
    broken.isBroken = true
    await readAll(reader).catch(() => undefined)
    broken.isBroken = false
  },
]
const count = Number(process.argv[2])
for (let read = 0; read < count; read++) {
  const abort = new AbortController()
  const reader = (await hive.open('x')).stream({ signal: abort.signal }).getReader()
  await WAYS[read % WAYS.length]!(reader, abort)
}
console.log(count)
