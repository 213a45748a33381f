import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Contest, type Cost, holdContests } from '../contest.ts'
import { readSlowly } from './slow-readers.ts'

/** What is measured of servers. */
export interface ServingBenchOptions {
  /** Directory for the hive and for the file of nginx. */
  readonly directory: string
  /** Number of bytes to serve. */
  readonly byteLength: number
  readonly rounds: number
  /** Only rows whose name contains this. */
  readonly only: string
}

/** The rows. */
export const SERVING_ROWS = ['disk', 'memory', 'thousand'] as const

const COMB = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const MEMORY_SERVER = fileURLToPath(new URL('memory-server.ts', import.meta.url))
/** Clock ticks a second in /proc: the same on every Linux. */
const TICKS = 100
const CHUNK_BYTES = 2 ** 20
const READERS = 1_000
/** 1 Mbit/s. */
const READER_RATE = 125_000
const READING_MS = 10_000
/** The most memory that `comb serve` may take for its readers. */
const MOST_MEMORY = 300e6

/** A server process. */
interface Serving {
  readonly name: string
  /** URL of what it serves. */
  readonly url: string
  readonly pid: number
  close(): Promise<void>
}

/** Prints what serving costs beside nginx with sendfile, and how many slow readers are served. */
export async function benchServing(options: ServingBenchOptions): Promise<void> {
  const { directory, byteLength, rounds, only } = options
  const rows = SERVING_ROWS.filter((name) => name.includes(only))
  if (rows.length === 0) return
  const file = join(directory, 'big')
  await writeNoise(file, byteLength)
  await promisify(execFile)(process.execPath, [COMB, 'put', join(directory, 'hive'), 'big', file])
  const nginx = await startNginx(directory)
  const comb = await start('comb serve', [COMB, 'serve', join(directory, 'hive'), '--port', '0'])
  try {
    const contests: Contest[] = []
    const contest = (what: string, ours: Serving, target: number): Contest => ({
      what,
      peerName: 'nginx with sendfile',
      amount: byteLength / 1e6,
      unit: 'MB',
      target,
      ours: () => drained(ours),
      peer: () => drained(nginx),
    })
    if (rows.includes('disk')) contests.push(contest('serve from disk, to curl', comb, 0.5))
    if (rows.includes('memory')) {
      const memory = await start('a hive in memory', [MEMORY_SERVER, file])
      await holdContests('serving over HTTP', [...contests, contest('serve from memory, to curl', memory, 0.9)], rounds)
      await memory.close()
    } else if (contests.length > 0) {
      await holdContests('serving over HTTP', contests, rounds)
    }
    if (rows.includes('thousand')) await serveSlowly([comb, nginx], byteLength)
  } finally {
    await Promise.all([nginx.close(), comb.close()])
  }
}

async function serveSlowly(servers: readonly Serving[], size: number): Promise<void> {
  console.log(`\n${READERS} readers at 1 Mbit/s for ${READING_MS / 1_000} s\n`)
  console.log('| server | served | memory | CPU time | met |\n|---|---|---|---|---|')
  for (const { name, url, pid } of servers) {
    const before = cpuMs(pid)
    const { served } = await readSlowly({ url, size, readers: READERS, rate: READER_RATE, durationMs: READING_MS })
    const memory = peakMemory(pid)
    const seconds = ((cpuMs(pid) - before) / 1_000).toFixed(1)
    const met = served === READERS && memory <= MOST_MEMORY ? 'yes' : 'NO'
    console.log(`| ${name} | ${served} | ${(memory / 1e6).toFixed(0)} MB | ${seconds} s | ${met} |`)
  }
}

/** Downloads everything with curl, and measures the time that takes and the CPU time of the server. */
async function drained({ url, pid }: Serving): Promise<Cost> {
  const cpu = cpuMs(pid)
  const begun = performance.now()
  await promisify(execFile)('curl', ['--silent', '--fail', '--output', '/dev/null', url])
  return { wallMs: performance.now() - begun, cpuMs: cpuMs(pid) - cpu }
}

/** User and system time of a process, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS
}

/** The most memory that a process has had, in bytes. */
function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1_024
}

async function writeNoise(path: string, byteLength: number): Promise<void> {
  const file = createWriteStream(path)
  for (let written = 0; written < byteLength; written += CHUNK_BYTES) {
    const chunk = randomFillSync(new Uint8Array(Math.min(CHUNK_BYTES, byteLength - written)))
    if (!file.write(chunk)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

/** Starts a program that prints the URL of its root. */
async function start(name: string, args: readonly string[]): Promise<Serving> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [root] = (await once(child.stdout, 'data')) as [Buffer]
  return { name, url: `${root.toString().trim()}big`, pid: child.pid!, close: () => end(child) }
}

async function startNginx(directory: string): Promise<Serving> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  )
  const config = join(directory, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${directory}/nginx.pid; error_log /dev/null; worker_rlimit_nofile 8192;
     events { worker_connections 4096; }
     http { access_log off; sendfile on; ${paths.join(' ')} server { listen 127.0.0.1:${port}; root ${directory}; } }`,
  )
  const child = spawn('nginx', ['-c', config, '-e', '/dev/null'], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'spawn')
  const url = `http://127.0.0.1:${port}/big`
  // It says nothing when it is ready.
  for (let attempts = 0; ; attempts++) {
    const head = await fetch(url, { method: 'HEAD' }).catch(() => undefined)
    if (head?.ok) return { name: 'nginx', url, pid: child.pid!, close: () => end(child) }
    if (attempts === 100) throw new Error('nginx does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
