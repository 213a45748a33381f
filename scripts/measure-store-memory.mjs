// Measures the memory that docs/performance.md states for the stream store in a directory: the peak of a process that
// stores a large stream, of processes that read it back, and of one with 1,000 stalled readers.
//
//   npm run build && node_modules/.bin/node scripts/measure-store-memory.mjs [size of the stream in GiB, 1]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ROOT } from './run.mjs'

const NODE = join(ROOT, 'node_modules', '.bin', 'node')
const MIB = 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const KEY = new Uint8Array([1])
/** Most that a process may take above bare Node, in MiB. */
const LIMIT_MIB = 64
/** Most that a process with 1,000 stalled readers may take, in MB. */
const STALLED_LIMIT_MB = 300

/** @type {{ work: string, what: string, limit?: (mib: number, bare: number) => boolean }[]} */
const ROWS = [
  { work: 'bare', what: 'bare Node' },
  { work: 'idle', what: 'the package loaded and a store opened' },
  { work: 'store', what: 'storing the stream', limit: isNearBare },
  { work: 'read-buffer', what: 'reading it into a buffer', limit: isNearBare },
  { work: 'read-stalled', what: 'the same, beside a reader that has stalled', limit: isNearBare },
  { work: 'read', what: 'reading it in new chunks' },
  { work: 'stalled', what: '1,000 stalled readers', limit: (mib) => (mib * MIB) / 1e6 < STALLED_LIMIT_MB },
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
  let bare = 0
  try {
    console.log(`A stream of ${gib} GiB of noise, on ${process.version}\n`)
    console.log('| process | peak, MiB | above bare Node, MiB | seconds |\n|---|---|---|---|')
    for (const { work: name, what, limit } of ROWS) {
      const start = performance.now()
      const child = spawnSync(NODE, [fileURLToPath(import.meta.url), name, root, String(gib)], { encoding: 'utf8' })
      if (child.status !== 0) throw new Error(`${name} ended with ${child.status}: ${child.stderr}`)
      const mib = Number(child.stdout)
      if (name === 'bare') bare = mib
      if (limit && !limit(mib, bare)) process.exitCode = 1
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      console.log(`| ${what} | ${mib.toFixed(0)} | ${(mib - bare).toFixed(0)} | ${seconds} |`)
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
  if (name !== 'bare') {
    const { StreamStore } = await import(pathToFileURL(join(ROOT, 'dist', 'store.js')).href)
    const { directoryBackend } = await import(pathToFileURL(join(ROOT, 'dist', 'backends', 'directory.js')).href)
    const store = new StreamStore(await directoryBackend(join(root, 'store')))
    if (name === 'store') await storeNoise(store, gib * 1024 * MIB)
    else if (name !== 'idle') await readBack(name, await openStored(store))
  }
  console.log(Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024)
}

/**
 * @param {import('../src/store.ts').StreamStore} store
 * @param {number} size
 */
async function storeNoise(store, size) {
  const chunk = new Uint8Array(CHUNK_BYTES)
  let offset = 0
  const source = new ReadableStream(
    {
      pull(controller) {
        if (offset === size) return controller.close()
        // A sink does not keep a chunk, so it can be filled again.
        for (let i = 0; i < CHUNK_BYTES; i += 65_536) crypto.getRandomValues(chunk.subarray(i, i + 65_536))
        offset += CHUNK_BYTES
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
  const sink = store.sink({
    reference: KEY,
    onCommit: async (tx, { id }) => tx.set(KEY, new TextEncoder().encode(id)),
  })
  await source.pipeTo(sink)
  await sink.stored
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
    // They keep their last chunk, as whoever sends it to a stalled client does.
    for (let i = 0; i < 1000; i++) await stall(1)
    return
  }
  if (name === 'read-stalled') await stall(5)
  if (name === 'read') {
    const reader = stored.stream().getReader()
    while (!(await reader.read()).done);
    return
  }
  const reader = stored.stream().getReader({ mode: 'byob' })
  for (let buffer = new ArrayBuffer(CHUNK_BYTES); ;) {
    const { done, value } = await reader.read(new Uint8Array(buffer))
    if (done) return
    buffer = value.buffer
  }
}
