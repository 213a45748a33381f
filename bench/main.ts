// Measures against named peers, side by side in one run. Only the ratios are meaningful: a machine's absolute figures
// vary from run to run. docs/performance.md describes what is measured, and the results.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchCache } from './cache.ts'
import { holdContests } from './contest.ts'
import { benchBrowsers } from './engines/browsers.ts'
import { benchServers } from './engines/servers.ts'
import { benchHttp } from './http.ts'
import { benchRdiff, benchRsync } from './rsync/bench.ts'
import { type Runtime, RUNTIMES } from './rsync/in-runtime.ts'
import { benchWorkers } from './rsync-workers.ts'
import { benchStore } from './store.ts'

const USAGE = `npm run bench -- [store] [http] [engines] [cache] [rsync] [rdiff] [workers] [options]

  --mb N          size of an input in MiB; 256 by default, 64 with --in, and for engines
                  and the cache;
                  http: 1024 over loopback
  --rounds N      number of runs of each side; 5 by default, 9 for store, http, engines and cache
  --only TEXT     rsync, rdiff: only rows whose operation and pair contain this text: "delta", "delta compat tar"
                  store: only parts whose name contains it: put, store, read, read-buffer, small, collection, lz4
                  http: only rows whose name contains it: disk, memory, thousand, near, near-hashed, near-thread,
                  slow, cut, aria2c, seek
                  engines: only engines whose name contains it: postgres, s3, chromium, firefox, webkit
                  cache: only parts whose name contains it: edge, version, browsers, chromium, firefox, webkit
  --corpora DIR   rsync, rdiff: keep the inputs in DIR, and reuse those already there
  --in RUNTIME    rsync: against the plain TypeScript path in RUNTIME: ${RUNTIMES.join(', ')},
                  a comma-separated list, or all. Without it: against rdiff, in Node`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mb: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    corpora: { type: 'string' },
    in: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})
const mib = values.mb === undefined ? undefined : count('--mb', values.mb)
const givenRounds = values.rounds === undefined ? undefined : count('--rounds', values.rounds)
const rounds = givenRounds ?? 5
const runtimes = values.in
  .flatMap((list) => list.split(','))
  .flatMap((name) => (name === 'all' ? RUNTIMES : runtimeOf(name)))
const benches: Record<string, () => Promise<boolean>> = {
  async store() {
    const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
    const byteLength = (mib ?? 256) * 2 ** 20
    try {
      await benchStore({ directory, byteLength, rounds: givenRounds ?? 9, only: values.only })
    } finally {
      await rm(directory, { recursive: true })
    }
    return true
  },
  async http() {
    const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
    try {
      const byteLength = mib === undefined ? undefined : mib * 2 ** 20
      return await benchHttp({ directory, byteLength, rounds: givenRounds ?? 9, only: values.only })
    } finally {
      await rm(directory, { recursive: true })
    }
  },
  async engines() {
    const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
    const byteLength = (mib ?? 64) * 2 ** 20
    try {
      const options = { directory, byteLength, rounds: givenRounds ?? 9, only: values.only }
      await benchServers(options)
      return await benchBrowsers(options)
    } finally {
      await rm(directory, { recursive: true })
    }
  },
  async cache() {
    const directory = await mkdtemp(join(tmpdir(), 'combstream-bench-'))
    const byteLength = (mib ?? 64) * 2 ** 20
    try {
      return await benchCache({ directory, byteLength, rounds: givenRounds ?? 9, only: values.only })
    } finally {
      await rm(directory, { recursive: true })
    }
  },
  async workers() {
    const byteLength = (mib ?? 256) * 2 ** 20
    const { contests, close } = await benchWorkers(byteLength)
    await holdContests(`rsync in workers, ${byteLength / 2 ** 20} MiB`, contests, rounds)
    await close()
    return true
  },
  rdiff: () => benchRdiff({ mib, rounds, only: values.only, corpora: values.corpora }),
  rsync: () => benchRsync({ mib, rounds, only: values.only, corpora: values.corpora, runtimes }),
}

if (values.help) {
  console.log(USAGE)
} else {
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
    const bench = benches[name]
    if (!bench) throw new RangeError(`unknown bench ${name}; choose from ${Object.keys(benches).join(', ')}`)
    if (!(await bench())) process.exitCode = 1
  }
}

function count(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new RangeError(`${option} must be a positive integer, got ${text}`)
  return value
}

function runtimeOf(name: string): Runtime {
  const runtime = RUNTIMES.find((known) => known === name)
  if (!runtime) throw new RangeError(`unknown runtime ${name}; choose from ${RUNTIMES.join(', ')}, all`)
  return runtime
}
