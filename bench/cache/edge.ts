import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Contest, type Cost, holdContests } from '../contest.ts'
import { noise } from '../noise.ts'
import { comb, cpuMs, serveComb, type Serving, startNginx } from './servers.ts'

/** Options of the benches of the cache. */
export interface CacheBenchOptions {
  /** An empty directory. */
  readonly directory: string
  /** Size of the entry. */
  readonly byteLength: number
  readonly rounds: number
  /** Only rows whose name contains this. */
  readonly only: string
}

const TARGET = 0.5
const RANGE_BYTES = 2 ** 20
const SMALL_BYTES = 2 ** 16
const REQUESTS = 500
const PARALLEL = 8

/** Compares a warm `comb serve --cache` with nginx that caches slices; the origin of both is the same. */
export async function benchEdge({ directory, byteLength, rounds }: CacheBenchOptions): Promise<void> {
  const file = join(directory, 'big')
  await writeFile(file, noise(byteLength, 1))
  const hive = join(directory, 'hive')
  await comb('put', hive, 'big', file)
  const origin = await serveComb(hive)
  const edge = await serveComb('--cache', join(directory, 'cache'), '--from', origin.url)
  const nginx = await startNginx(
    join(directory, 'nginx'),
    `proxy_cache_path ${directory}/slices keys_zone=slices:16m max_size=8g inactive=1d;`,
    `location / { slice 1m; proxy_cache slices; proxy_cache_key $uri$slice_range; proxy_set_header Range $slice_range;
       proxy_http_version 1.1; proxy_cache_valid 200 206 1d; proxy_ignore_headers Cache-Control; proxy_pass ${origin.url}; }`,
  )
  try {
    // Warm: the second time, because some of the first blocks may still wait to be stored.
    for (let i = 0; i < 2; i++) for (const { url } of [edge, nginx]) await whole(url)
    const row = (what: string, amount: number, unit: string, work: (url: string) => Promise<unknown>): Contest => ({
      what,
      peerName: 'nginx, proxy_cache with slice',
      amount,
      unit,
      target: TARGET,
      ours: () => measured(edge, work),
      peer: () => measured(nginx, work),
    })
    const ranges = (rangeBytes: number) => (url: string) => manyRanges(url, byteLength, rangeBytes)
    const contests = [
      row('an edge, warm: a whole entry, to curl', byteLength / 1e6, 'MB', whole),
      row('an edge, warm: ranges of 1 MiB', (REQUESTS * RANGE_BYTES) / 1e6, 'MB', ranges(RANGE_BYTES)),
      row('an edge, warm: ranges of 64 KiB', REQUESTS, 'requests', ranges(SMALL_BYTES)),
    ]
    await holdContests(`an edge in front of comb serve, ${byteLength / 1e6} MB`, contests, rounds)
  } finally {
    await Promise.all([origin.close(), edge.close(), nginx.close()])
  }
}

async function measured({ url, pid }: Serving, work: (url: string) => Promise<unknown>): Promise<Cost> {
  const cpu = cpuMs(pid)
  const begun = performance.now()
  await work(url)
  return { wallMs: performance.now() - begun, cpuMs: cpuMs(pid) - cpu }
}

function whole(url: string): Promise<unknown> {
  return promisify(execFile)('curl', ['--silent', '--fail', '--output', '/dev/null', `${url}big`])
}

/** Reads ranges all over the entry, a few at a time, over connections that stay open. */
async function manyRanges(url: string, byteLength: number, rangeBytes: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL })
  let next = 0
  const reader = async (): Promise<void> => {
    for (let i = next++; i < REQUESTS; i = next++) {
      const start = (i * 7_919 * SMALL_BYTES) % (byteLength - rangeBytes)
      const length = await received(agent, `${url}big`, `bytes=${start}-${start + rangeBytes - 1}`)
      if (length !== rangeBytes) throw new Error(`${length} bytes of ${rangeBytes}`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, reader))
  agent.destroy()
}

function received(agent: Agent, url: string, Range: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { Range } }, (answer) => {
      let length = 0
      answer.on('data', (chunk: Buffer) => (length += chunk.byteLength))
      answer.on('end', () => resolve(length))
      answer.on('error', reject)
    }).on('error', reject)
  })
}
