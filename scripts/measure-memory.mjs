// Measures what docs/comb.md promises about `comb`: the memory of each process while a large entry is put and got,
// locally and over HTTP, and the bytes transferred when a large entry is updated by a delta.
//
//   npm run build && node_modules/.bin/node scripts/measure-memory.mjs [size of the entry in MiB, 1024] [size of the updated entry in MB, 100]
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ROOT } from './run.mjs'

const NODE = join(ROOT, 'node_modules', '.bin', 'node')
const MAIN = join(ROOT, 'dist', 'cli', 'main.js')
const LIMIT_MB = 200
const LIMIT_SHARE = 0.03
/** How often a process's high-water mark is read, in milliseconds. It disappears with the process. */
const SAMPLE_MS = 20

const [entryMib = 1024, updatedMb = 100] = process.argv.slice(2).map(Number)
const directory = mkdtempSync(join(tmpdir(), 'comb-measure-'))
const path = (/** @type {string} */ name) => join(directory, name)
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
let failures = 0
try {
  if (!existsSync('/proc/self/status')) throw new Error("this needs Linux: a process's memory is read from /proc")
  if (!existsSync(MAIN)) throw new Error('dist/ does not exist: run npm run build first')
  await measureTransfers(entryMib * 1024 * 1024)
  await measureUpdate(updatedMb * 1_000_000)
} finally {
  for (const child of running) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}
process.exitCode = failures === 0 ? 0 : 1

/** @param {number} size */
async function measureTransfers(size) {
  await writeRandom(path('source'), size)
  const expected = await sha256(createReadStream(path('source')))
  console.log(`${size} bytes, SHA-256 ${expected}\n`)
  console.log('| operation | client, peak MB | server, peak MB | seconds | MB/s |\n|---|---|---|---|---|')

  const check = async (/** @type {string} */ file) => {
    if ((await sha256(createReadStream(path(file)))) !== expected)
      throw new Error(`the bytes read back differ: ${file}`)
    rmSync(path(file))
  }
  await printRow('put a file, directory', size, ['put', path('local'), 'big', path('source')])
  await printRow('get a file, directory', size, ['get', path('local'), 'big', path('target')])
  await check('target')

  // Each row has a server of its own, because a high-water mark never falls.
  for (const { what, command, file } of [
    { what: 'put a file, HTTP', command: 'put', file: 'source' },
    { what: 'get a file, HTTP', command: 'get', file: 'target' },
  ]) {
    const server = await serve(path('served'))
    await printRow(what, size, [command, server.url, 'big', path(file)], server)
    await server.stop()
  }
  await check('target')
  console.log()
}

/**
 * Runs `comb` and prints a row with its cost.
 *
 * @param {string} what
 * @param {number} size
 * @param {string[]} args
 * @param {Server} [server]
 */
async function printRow(what, size, args, server) {
  const { peakMb, seconds } = await comb(args)
  const serverMb = server?.peakMb()
  if (peakMb > LIMIT_MB || (serverMb ?? 0) > LIMIT_MB) failures++
  const rate = size / 1e6 / seconds
  console.log(`| ${what} | ${mb(peakMb)} | ${mb(serverMb)} | ${seconds.toFixed(1)} | ${rate.toFixed(0)} |`)
}

/** @param {number} size */
async function measureUpdate(size) {
  const { HttpHive } = await import(new URL('../dist/http.js', import.meta.url).href)
  const { DeltaStream, loadSignature } = await import(new URL('../dist/rsync.js', import.meta.url).href)
  await writeRandom(path('source'), size)
  await writeRandom(path('inserted'), 1_000_000)
  await comb(['put', path('updated'), 'big', path('source')])

  const server = await serve(path('updated'))
  const hive = new HttpHive(server.url)
  const entry = await hive.open('big')
  const signature = await loadSignature(entry.signature())
  const middle = Math.floor(size / 2) + 1
  const edited = async function* () {
    yield* createReadStream(path('source'), { end: middle - 1 })
    yield* createReadStream(path('inserted'))
    yield* createReadStream(path('source'), { start: middle })
  }
  const sink = hive.patchSink('big', { ifMatch: entry.etag })
  await Readable.toWeb(Readable.from(edited(), { objectMode: false }))
    .pipeThrough(new DeltaStream(signature))
    .pipeTo(sink)
  const same = (await sink.entry).etag === `"${await sha256(edited(), 'base64url')}"`
  await server.stop()

  // The server's log lines look like: … 200 signature big received=0 sent=…
  let moved = 0
  for (const [, operation, received, sent] of server.log().matchAll(/ (\w+) big received=(\d+) sent=(\d+)/g)) {
    console.log(`${operation}: ${received} bytes received, ${sent} bytes sent`)
    moved += Number(received) + Number(sent)
  }
  const share = moved / size
  if (!same || moved === 0 || share > LIMIT_SHARE) failures++
  console.log(
    `update of ${size} bytes by an insertion of 1000000: ${moved} bytes transferred, ${(share * 100).toFixed(2)} %`,
  )
  console.log(`server, peak: ${mb(server.peakMb())} MB${same ? '' : '; THE RESULT IS WRONG'}`)
}

/**
 * Runs `comb` to its end.
 *
 * @param {string[]} args
 */
async function comb(args) {
  const start = performance.now()
  const child = spawn(NODE, [MAIN, ...args], { stdio: 'inherit' })
  const memory = watchMemory(child)
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`comb ${args.join(' ')} ended with ${code}`)
  return { peakMb: memory(), seconds: (performance.now() - start) / 1000 }
}

/** @typedef {{ url: string, peakMb: () => number, log: () => string, stop: () => Promise<void> }} Server */

/**
 * Runs `comb serve`.
 *
 * @param {string} hive
 * @returns {Promise<Server>}
 */
async function serve(hive) {
  const child = spawn(NODE, [MAIN, 'serve', hive, '--port', '0', '--log'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  return {
    url: line.trim(),
    peakMb: watchMemory(child),
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await once(child, 'close')
      if (code !== 0) throw new Error(`comb serve ended with ${code}: ${log}`)
    },
  }
}

/**
 * Watches a process. Returns a function that returns its peak resident size so far, in MB.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function watchMemory(child) {
  let peakKb = 0
  const sample = () => {
    if (child.exitCode !== null) return
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    }
  }
  const timer = setInterval(sample, SAMPLE_MS)
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    clearInterval(timer)
  })
  return () => {
    sample()
    return (peakKb * 1024) / 1e6
  }
}

/**
 * Writes bytes that differ in every run and neither compress nor de-duplicate.
 *
 * @param {string} file
 * @param {number} size
 */
function writeRandom(file, size) {
  return pipeline(
    createReadStream('/dev/urandom', { end: size - 1, highWaterMark: 1024 * 1024 }),
    createWriteStream(file),
  )
}

/**
 * @param {AsyncIterable<Uint8Array>} bytes
 * @param {'hex' | 'base64url'} encoding
 */
async function sha256(bytes, encoding = 'hex') {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest(encoding)
}

/** @param {number | undefined} value */
function mb(value) {
  return value === undefined ? '–' : value.toFixed(0)
}
