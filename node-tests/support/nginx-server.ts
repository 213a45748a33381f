import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/**
 * Starts the server, and ends it when this process ends: then `cat` sees the end of its input. First prints the id of the
 * server's process.
 */
const GUARD = `"$@" </dev/null & echo $!; cat >/dev/null; kill -KILL $!; wait $!`

/** Notice that comes once it listens. */
const LISTENS = 'getrlimit(RLIMIT_NOFILE)'

/** nginx with a configuration and files of its own, on a free port of 127.0.0.1. */
export class NginxServer {
  readonly #folder: string
  readonly #port: number
  #guard: ChildProcess | undefined
  #pid = 0

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
  }

  /** Starts a server without files. */
  static async start(): Promise<NginxServer> {
    const folder = mkdtempSync(join(tmpdir(), 'combstream-nginx-'))
    const server = new NginxServer(folder, await freePort())
    mkdirSync(join(folder, 'files'))
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, server.#port))
    await server.start()
    return server
  }

  /**
   * Its URL, with a trailing slash. Below it are the files; below `gzip/`, compressed when that is asked for; below
   * `no-etag/`, `no-ranges/` and `moved/`, what their names say.
   */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  /** Writes a file, or replaces it by another one at once, as those who publish files should. */
  put(name: string, bytes: Uint8Array | string): void {
    const path = join(this.#folder, 'files', name)
    writeFileSync(`${path}~`, bytes)
    renameSync(`${path}~`, path)
  }

  /** Removes a file. */
  remove(name: string): void {
    rmSync(join(this.#folder, 'files', name))
  }

  /** Starts it again, on the same port. */
  async start(): Promise<void> {
    const command = ['/usr/sbin/nginx', '-p', this.#folder, '-c', join(this.#folder, 'nginx.conf')]
    const guard = spawn('sh', ['-c', GUARD, 'sh', ...command], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#guard = guard
    let log = ''
    await new Promise<void>((resolve, reject) => {
      guard.stdout.on('data', (chunk: Uint8Array) => {
        this.#pid ||= Number.parseInt(String(chunk), 10)
      })
      guard.stderr.on('data', (chunk: Uint8Array) => {
        log = (log + String(chunk)).slice(-10_000)
        if (log.includes(LISTENS)) resolve()
      })
      guard.once('error', reject)
      guard.once('close', () => reject(new Error(`nginx did not start:\n${log}`)))
    })
  }

  /** Ends it at once, as a crash would. */
  async stop(): Promise<void> {
    const guard = this.#guard
    if (!guard) return
    this.#guard = undefined
    const closed = once(guard, 'close')
    process.kill(this.#pid, 'SIGKILL')
    this.#pid = 0
    guard.stdin!.end()
    await closed
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function configuration(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr notice;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  types { video/mp4 mp4; text/html html; text/javascript js; text/plain txt; }
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    location /gzip/ { alias ${folder}/files/; gzip on; gzip_types *; gzip_min_length 1; }
    location /no-etag/ { alias ${folder}/files/; etag off; }
    location /no-ranges/ { alias ${folder}/files/; max_ranges 0; }
    location /moved/ { rewrite ^/moved/(.*)$ /$1?signature=of-this-request redirect; }
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
