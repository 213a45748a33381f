import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

const VERSIONS = '/usr/lib/postgresql'
const USER = 'combstream'

/**
 * Starts the server, and ends it when this process ends: then `cat` sees the end of its input. First prints the id of the
 * server's process.
 */
const GUARD = `"$@" </dev/null & echo $!; cat >/dev/null; kill -QUIT $!; wait $!`

/** Settings that make it start and stop soon. What it has written survives the end of its processes, not a power cut. */
const SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_connections=40',
  'shared_buffers=32MB',
  'unix_socket_directories=',
  'listen_addresses=127.0.0.1',
]

/** A server of its own, in a temporary directory, on a free port of 127.0.0.1. */
export class PostgresServer {
  readonly #directory: string
  readonly #port: number
  #guard: ChildProcess | undefined
  #pid = 0

  private constructor(directory: string, port: number) {
    this.#directory = directory
    this.#port = port
  }

  /** Makes a server with an empty database, and starts it. */
  static async start(): Promise<PostgresServer> {
    const directory = asOwner('mktemp', '-d', join(tmpdir(), 'combstream-postgres-XXXXXX')).trim()
    const options = ['--no-sync', '--no-instructions', '--auth=trust', '--locale=C', '--encoding=UTF8']
    asOwner(program('initdb'), '-D', join(directory, 'data'), '-U', USER, ...options)
    const server = new PostgresServer(directory, await freePort())
    await server.start()
    return server
  }

  /** The port of 127.0.0.1 on which it listens. */
  get port(): number {
    return this.#port
  }

  /** The URL of its database, at another port if there is a proxy in front of it. */
  url(port: number = this.#port): string {
    return `postgres://${USER}@127.0.0.1:${port}/postgres`
  }

  /** Makes a directory below `parent`, where everybody may write, for tables of the server. */
  makeSpace(parent: string): string {
    const path = join(parent, 'space')
    asOwner('mkdir', path)
    return path
  }

  /** Starts it again. */
  async start(): Promise<void> {
    const settings = [...SETTINGS, `port=${this.#port}`].flatMap((setting) => ['-c', setting])
    const command = [program('postgres'), '-D', join(this.#directory, 'data'), ...settings]
    const [file = '', ...args] = owned('sh', '-c', GUARD, 'sh', ...command)
    const guard = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#guard = guard
    let log = ''
    const ready = new Promise<void>((resolve, reject) => {
      guard.stdout.on('data', (chunk: Uint8Array) => {
        this.#pid ||= Number.parseInt(String(chunk), 10)
      })
      guard.stderr.on('data', (chunk: Uint8Array) => {
        log = (log + String(chunk)).slice(-10_000)
        if (log.includes('ready to accept connections')) resolve()
      })
      guard.once('error', reject)
      guard.once('close', () => reject(new Error(`PostgreSQL did not start:\n${log}`)))
    })
    await ready
  }

  /**
   * Ends it. `'SIGINT'` ends its connections and completes what is on the disk, `'SIGQUIT'` ends it as a crash would, so
   * that the next start recovers.
   */
  async stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const guard = this.#guard
    if (!guard) return
    this.#guard = undefined
    const closed = once(guard, 'close')
    process.kill(this.#pid, signal)
    this.#pid = 0
    guard.stdin!.end()
    await closed
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.stop('SIGQUIT')
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** The path of a program of the newest version, whose directory is not on the PATH in Debian. */
function program(name: string): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a)) : []
  const found = versions.map((version) => join(VERSIONS, version, 'bin', name)).find((path) => existsSync(path))
  return found ?? name
}

/** The command as a user that the server accepts: it refuses to run as root. */
function owned(...command: string[]): string[] {
  return process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : command
}

function asOwner(...command: string[]): string {
  const [file = '', ...args] = owned(...command)
  return execFileSync(file, args, { encoding: 'utf8', cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
