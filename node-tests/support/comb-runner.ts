import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { CombResult } from './comb.ts'

/** A command for {@linkcode CombRunner}. */
export interface CombRequest {
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** A process in which the commands of a test process run one after the other, because a start costs more than most of them. */
export class CombRunner {
  readonly #child: ChildProcess
  readonly #server: Server
  readonly #started: Promise<unknown>
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** What the process writes that is not the output of a command: why it ended. */
  #trace = ''
  #isBusy = false
  #hasEnded = false

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    const folder = mkdtempSync(join(tmpdir(), 'comb-runner-'))
    const path = join(folder, 'socket')
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(path).unref()
    this.#started = once(this.#server, 'listening')
    this.#child = fork(fileURLToPath(new URL('comb-runner-child.ts', import.meta.url)), [path], {
      env: environment,
      execArgv: [],
      // Closed or without a reader, they would be reported to the command as such.
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#child.stdin!, this.#child.stdout!, this.#child.stderr!]) (stream as Socket).unref()
    this.#child.stdout!.resume()
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#trace += text))
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#hasEnded = true
        this.#isBusy = false
        resolve({ code, signal })
      })
    })
    this.#idle()
  }

  /** Whether a command is running. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Whether the process has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Runs a command. */
  async run(request: CombRequest, input: Uint8Array | string): Promise<CombResult> {
    this.#isBusy = true
    this.#child.ref()
    this.#child.channel!.ref()
    this.#server.ref()
    await this.#started
    const answer = once(this.#child, 'message') as Promise<[number]>
    const outputs = this.#accept(input)
    this.#child.send(request)
    const outcome = await Promise.race([answer, this.#ended])
    if (!Array.isArray(outcome)) {
      // The command has ended the process.
      this.#server.close()
      return { ...outcome, stdout: Buffer.alloc(0), stderr: this.#trace }
    }
    const [stdout, stderr] = await outputs
    this.#isBusy = false
    this.#idle()
    return { code: outcome[0], signal: null, stdout, stderr: stderr.toString() }
  }

  /** Ends the process if it still runs a command. */
  endIfBusy(): void {
    if (this.#isBusy) this.#child.kill('SIGKILL')
  }

  /** Lets the test process end. */
  #idle(): void {
    this.#child.unref()
    this.#child.channel!.unref()
    this.#server.unref()
  }

  /** Accepts the three standard streams of a command. Resolves with its output. */
  async #accept(input: Uint8Array | string): Promise<[stdout: Buffer, stderr: Buffer]> {
    const [stdin, stdout, stderr] = await new Promise<Socket[]>((resolve) => {
      const sockets: Socket[] = []
      this.#server.on('connection', (socket) => {
        if (sockets.push(socket) < 3) return
        this.#server.removeAllListeners('connection')
        resolve(sockets)
      })
    })
    // A command that fails does not read its input.
    stdin!
      .on('error', () => undefined)
      .resume()
      .end(input)
    return Promise.all([buffer(stdout!), buffer(stderr!)])
  }
}
