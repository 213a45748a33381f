// Measures how long readers of a hive wait while writers in the same process store small entries, on a file system with slow
// syncs, with commits in a thread of their own and without. A preloaded library makes each sync take longer. Needs gcc.
//
//   node_modules/.bin/node scripts/measure-sync-stall.mjs [--sync-ms 0,50] [--seconds 10] [--threads no,yes]
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { directoryBackend } from '../src/backends/directory.ts'
import { LocalHive } from '../src/hive.ts'
import { StreamStore } from '../src/store.ts'

const SLOW_SYNC = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int slow(const char *name, int file) {
  const char *ms = getenv("SYNC_MS");
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (ms) usleep(1000 * atoi(ms));
  return real(file);
}
int fsync(int file) { return slow("fsync", file); }
int fdatasync(int file) { return slow("fdatasync", file); }
`
const BLOCK_BYTES = 65_536
const BLOCKS = 64

const { values } = parseArgs({
  options: {
    'sync-ms': { type: 'string', default: '0,50' },
    seconds: { type: 'string', default: '10' },
    threads: { type: 'string', default: 'no,yes' },
    measure: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const syncMs = process.env['SYNC_MS'] ?? '0'
if (values.measure === undefined) measureAll()
else await measure(values.measure)

/** Measures in separate processes, each with another delay of syncs. */
function measureAll() {
  const directory = mkdtempSync(join(tmpdir(), 'combstream-'))
  try {
    const source = join(directory, 'slow-sync.c')
    const library = join(directory, 'slow-sync.so')
    writeFileSync(source, SLOW_SYNC)
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { stdio: 'inherit' })
    console.log(
      '| added to each sync | thread | writers | entries stored a second | MB/s read | chunk, median | 99 % | longest | turn, 99 % | longest |',
    )
    console.log('|---|---|---|---|---|---|---|---|---|---|')
    for (const added of values['sync-ms'].split(',')) {
      for (const threads of values.threads.split(',')) {
        const hive = join(directory, `hive-${added}-${threads}`)
        const options = ['--measure', hive, '--seconds', String(seconds), '--threads', threads]
        spawnSync(process.execPath, [process.argv[1] ?? '', ...options], {
          stdio: 'inherit',
          env: { ...process.env, LD_PRELOAD: library, SYNC_MS: added, NODE_NO_WARNINGS: '1' },
        })
      }
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** @param {string} directory */
async function measure(directory) {
  const backend = await directoryBackend(directory, { thread: values.threads === 'yes' })
  const store = new StreamStore(backend, { blockSize: BLOCK_BYTES })
  const hive = new LocalHive(store)
  await new Blob([new Uint8Array(BLOCKS * BLOCK_BYTES).fill(7)]).stream().pipeTo(hive.sink('read'))
  await readFor(hive, 1000)
  for (const writers of [0, 1, 8]) {
    const stop = new AbortController()
    let stored = 0
    const writing = Array.from({ length: writers }, async (_, writer) => {
      for (; !stop.signal.aborted; stored++) {
        await new Blob([`${writer} ${stored}`]).stream().pipeTo(hive.sink(`written by ${writer}`))
      }
    })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const { waits, bytes, elapsedMs } = await readFor(hive, 1000 * seconds)
    delay.disable()
    const at = (/** @type {number} */ part) => (waits[Math.floor(part * (waits.length - 1))] ?? 0).toFixed(1)
    console.log(
      `| ${syncMs} ms | ${values.threads} | ${writers} | ${Math.round((1000 * stored) / elapsedMs)} | ${Math.round(bytes / 1000 / elapsedMs)} ` +
        `| ${at(0.5)} ms | ${at(0.99)} ms | ${at(1)} ms | ${(delay.percentile(99) / 1e6).toFixed(1)} ms | ${(delay.max / 1e6).toFixed(1)} ms |`,
    )
    stop.abort()
    await Promise.all(writing)
  }
  await store.close()
}

/**
 * Reads the entry repeatedly. Returns how long each chunk took, in ascending order.
 *
 * @param {LocalHive} hive
 * @param {number} forMs
 */
async function readFor(hive, forMs) {
  const start = performance.now()
  /** @type {number[]} */
  const waits = []
  let bytes = 0
  while (performance.now() - start < forMs) {
    const reader = (await hive.open('read')).stream().getReader()
    for (let before = performance.now(); ; before = performance.now()) {
      const { done, value } = await reader.read()
      waits.push(performance.now() - before)
      if (done) break
      bytes += value.byteLength
    }
  }
  return { waits: waits.toSorted((a, b) => a - b), bytes, elapsedMs: performance.now() - start }
}
