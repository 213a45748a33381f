import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const COMB = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** Clock ticks a second in /proc: the same on every Linux. */
const TICKS = 100

/** A server process. */
export interface Serving {
  /** Its root, with a trailing slash. */
  readonly url: string
  readonly pid: number
  close(): Promise<void>
}

/** Runs a command of `comb` to its end. */
export async function comb(...args: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [COMB, ...args])
}

/** Starts `comb serve`. */
export async function serveComb(...args: readonly string[]): Promise<Serving> {
  const child = spawn(process.execPath, [COMB, 'serve', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = (await once(child.stdout, 'data')) as [Buffer]
  return { url: url.toString().trim(), pid: child.pid!, close: () => end(child) }
}

/** Starts nginx, with lines for its `http` block and its `server` block. `directory` is for its files. */
export async function startNginx(directory: string, http: string, server: string): Promise<Serving> {
  mkdirSync(directory, { recursive: true })
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
    `daemon off; master_process off; pid ${directory}/nginx.pid; error_log /dev/null;
     events { worker_connections 1024; }
     http { access_log off; sendfile on; types { video/mp4 mp4; } ${paths.join(' ')} ${http}
       server { listen 127.0.0.1:${port}; ${server} } }`,
  )
  const child = spawn('nginx', ['-c', config, '-e', '/dev/null'], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'spawn')
  const url = `http://127.0.0.1:${port}/`
  // It says nothing when it is ready.
  for (let attempts = 0; ; attempts++) {
    const answer = await fetch(`${url}ready`).catch(() => undefined)
    if (answer) return { url, pid: child.pid!, close: () => end(child) }
    if (attempts === 100) throw new Error('nginx does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** User and system time of a process, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS
}

async function end(child: ChildProcess): Promise<void> {
  child.kill()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
