// Measures the memory that docs/performance.md states for the stream store in a directory: the peak of a process that
// stores a large stream, of processes that read it back, and of one with 1,000 stalled readers.
//
//   npm run build && node_modules/.bin/node scripts/measure-store-memory.mjs [size of the stream in GiB, 1]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ROOT } from './run.mjs'

const NODE = join(ROOT, 'node_modules', '.bin', 'node')
const MIB = 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const BLOCK_BYTES = 1_000_000
/** Blocks that a sink holds; the bare process writes as many files at a time. */
const SINK_BLOCKS = 8
const KEY = new Uint8Array([1])
/** Maximum memory that a process may need beyond one that does the same without a store, in MiB. */
const LIMIT_MIB = 64
/** Maximum memory of a process with 1,000 stalled readers, in MB. */
const STALLED_LIMIT_MB = 300

/** @type {{ work: string, what: string, beside?: string, limit?: (mib: number, bare: number) => boolean }[]} */
const ROWS = [
  { work: 'start', what: 'Node, which starts and ends' },
  { work: 'bare', what: 'Node, which reads as many bytes of `/dev/zero` through a stream into a buffer' },
  { work: 'bare-chunks', what: 'the same in new chunks of 1,000,000 bytes' },
  { work: 'bare-files', what: 'Node, which writes the stream into synced files of 1,000,000 bytes, eight at a time' },
  { work: 'idle', what: 'a store that is opened', beside: 'bare' },
  { work: 'store', what: 'storing the stream', beside: 'bare-files', limit: isNearBare },
  { work: 'read-buffer', what: 'reading it into a buffer', beside: 'bare', limit: isNearBare },
  { work: 'read-stalled', what: 'the same, while another reader is stalled', beside: 'bare', limit: isNearBare },
  { work: 'read', what: 'reading it in new chunks', beside: 'bare-chunks', limit: isNearBare },
  {
    work: 'stalled',
    what: '1,000 stalled readers',
    beside: 'start',
    limit: (mib) => (mib * MIB) / 1e6 < STALLED_LIMIT_MB,
  },
]

const [first = '1', directory] = process.argv.slice(2)
if (directory === undefined) measure(Number(first))
else await work(first, directory, Number(process.argv[4]))

/**
 * Prints a table with one row for each process.
 *
 * @param {number} gib
 */
function measure(gib) {
  if (!existsSync('/proc/self/status')) throw new Error("this needs Linux: a process's memory is read from /proc")
  const root = mkdtempSync(join(tmpdir(), 'store-memory-'))
  /** @type {Record<string, number>} */
  const peaks = {}
  try {
    const version = spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout.trim()
    console.log(`A stream of ${gib} GiB of noise, on Node ${version}\n`)
    console.log('| process | peak, MiB | above Node doing the same, MiB | seconds |\n|---|---|---|---|')
    for (const { work: name, what, beside, limit } of ROWS) {
      const start = performance.now()
      const child = spawnSync(NODE, [fileURLToPath(import.meta.url), name, root, String(gib)], { encoding: 'utf8' })
      if (child.status !== 0) throw new Error(`${name} ended with ${child.status}: ${child.stderr}`)
      const mib = Number(child.stdout)
      peaks[name] = mib
      const bare = peaks[beside ?? name] ?? NaN
      if (limit && !limit(mib, bare)) process.exitCode = 1
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const above = beside === undefined ? '–' : (mib - bare).toFixed(0)
      console.log(`| ${what} | ${mib.toFixed(0)} | ${above} | ${seconds} |`)
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/**
 * @param {number} mib
 * @param {number} bare
 */
function isNearBare(mib, bare) {
  return mib - bare < LIMIT_MIB
}

/**
 * Does one kind of work, and prints the peak of this process's memory in MiB.
 *
 * @param {string} name
 * @param {string} root
 * @param {number} gib
 */
async function work(name, root, gib) {
  // Whole chunks: the source counts them down.
  const size = Math.ceil((gib * 1024 * MIB) / CHUNK_BYTES) * CHUNK_BYTES
  if (name === 'bare') await drainInto(zeros(size))
  else if (name === 'bare-chunks') await drain(zeros(size))
  else if (name === 'bare-files') await writeFiles(noise(size), join(root, 'files'))
  else if (name !== 'start') {
    const { StreamStore } = await import(pathToFileURL(join(ROOT, 'dist', 'store.js')).href)
    const { directoryBackend } = await import(pathToFileURL(join(ROOT, 'dist', 'backends', 'directory.js')).href)
    const store = new StreamStore(await directoryBackend(join(root, 'store')))
    if (name === 'store') await storeNoise(store, size)
    else if (name !== 'idle') await readBack(name, await openStored(store))
  }
  console.log(Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024)
}

/**
 * @param {import('../src/store.ts').StreamStore} store
 * @param {number} size
 */
async function storeNoise(store, size) {
  const sink = store.sink({
    reference: KEY,
    onCommit: async (tx, { id }) => tx.set(KEY, new TextEncoder().encode(id)),
  })
  await noise(size).pipeTo(sink)
  await sink.stored
}

/**
 * Stores a stream without a store. It shows how much memory the runtime itself needs for such work.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} readable
 * @param {string} target a directory, which is gone afterwards
 */
async function writeFiles(readable, target) {
  const whole = createHash('sha256')
  const buffers = Array.from({ length: SINK_BLOCKS }, () => ({
    bytes: new Uint8Array(BLOCK_BYTES),
    written: Promise.resolve(),
  }))
  let files = 0
  let filled = 0
  /** @param {typeof buffers[number]} buffer */
  const writeFilled = (buffer) => {
    const part = buffer.bytes.subarray(0, filled)
    buffer.written = writeSynced(join(target, String(files % 256)), String(files), part)
    files++
    filled = 0
  }
  await readable.pipeTo(
    new WritableStream({
      async write(chunk) {
        whole.update(chunk)
        for (let rest = chunk; rest.byteLength > 0;) {
          const buffer = /** @type {typeof buffers[number]} */ (buffers[files % SINK_BLOCKS])
          if (filled === 0) await buffer.written
          const piece = rest.subarray(0, BLOCK_BYTES - filled)
          buffer.bytes.set(piece, filled)
          filled += piece.byteLength
          rest = rest.subarray(piece.byteLength)
          if (filled === BLOCK_BYTES) writeFilled(buffer)
        }
      },
      async close() {
        if (filled > 0) writeFilled(/** @type {typeof buffers[number]} */ (buffers[files % SINK_BLOCKS]))
        await Promise.all(buffers.map(({ written }) => written))
        whole.digest()
      },
    }),
  )
  rmSync(target, { recursive: true })
}

/**
 * @param {string} parent
 * @param {string} name
 * @param {Uint8Array} bytes
 */
async function writeSynced(parent, name, bytes) {
  createHash('sha256').update(bytes).digest()
  await mkdir(parent, { recursive: true })
  const file = await open(join(parent, `${name}.part`), 'w')
  await file.write(bytes)
  await file.datasync()
  await file.close()
  await rename(join(parent, `${name}.part`), join(parent, name))
}

/** @param {import('../src/store.ts').StreamStore} store */
async function openStored(store) {
  const id = await store.transaction((tx) => tx.get(KEY))
  return store.open(new TextDecoder().decode(id))
}

/**
 * @param {string} name
 * @param {import('../src/store.ts').StoredStream} stored
 */
async function readBack(name, stored) {
  /** @type {unknown[]} */
  const kept = []
  /** @param {number} chunks */
  const stall = async (chunks) => {
    const reader = stored.stream().getReader()
    kept.push(reader)
    for (let i = 0; i < chunks; i++) kept[kept.length] = (await reader.read()).value
  }
  if (name === 'stalled') {
    // They keep their last chunk, like a server that sends it to a stalled client.
    for (let i = 0; i < 1000; i++) await stall(1)
    return
  }
  if (name === 'read-stalled') await stall(5)
  if (name === 'read') await drain(stored.stream())
  else await drainInto(stored.stream())
}

/**
 * Returns a stream of random bytes, in one chunk that is refilled. A sink does not keep a chunk.
 *
 * @param {number} size
 */
function noise(size) {
  const chunk = new Uint8Array(CHUNK_BYTES)
  let offset = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (offset === size) return controller.close()
        for (let i = 0; i < CHUNK_BYTES; i += 65_536) crypto.getRandomValues(chunk.subarray(i, i + 65_536))
        offset += CHUNK_BYTES
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Returns a stream without a store. It shows how much memory the runtime itself needs to move many bytes.
 *
 * @param {number} size
 */
function zeros(size) {
  /** @type {import('node:fs/promises').FileHandle} */
  let file
  return new ReadableStream(
    {
      type: 'bytes',
      async start() {
        file = await open('/dev/zero')
      },
      async pull(controller) {
        const request = controller.byobRequest
        if (size <= 0) {
          await file.close()
          controller.close()
          request?.respond(0)
          return
        }
        const view = /** @type {Uint8Array<ArrayBuffer>} */ (request?.view ?? new Uint8Array(BLOCK_BYTES))
        const { bytesRead } = await file.read(view)
        size -= bytesRead
        if (request) request.respond(bytesRead)
        else controller.enqueue(view)
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Reads a stream to its end, in new chunks.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} readable
 */
async function drain(readable) {
  const reader = readable.getReader()
  while (!(await reader.read()).done);
}

/**
 * Reads a stream to its end into one buffer.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} readable
 */
async function drainInto(readable) {
  const reader = readable.getReader({ mode: 'byob' })
  for (let buffer = new ArrayBuffer(CHUNK_BYTES); ;) {
    const { done, value } = await reader.read(new Uint8Array(buffer))
    if (done) return
    buffer = value.buffer
  }
}
