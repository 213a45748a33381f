import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** The command as it is installed: the tests start it hundreds of times, and it starts four times as fast as its sources. */
export const COMB_MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** The oldest Node that the package is for. */
export const NODE_22: string = fileURLToPath(new URL('../../node_modules/node-22/bin/node', import.meta.url))
/** Far above what any run of it takes here. */
const TIMEOUT_MS = 50_000

/** How `comb` is run. */
export interface CombOptions {
  /** What stands on standard input; without it, nothing. */
  readonly input?: Uint8Array | string
  /** Further environment variables. */
  readonly env?: Record<string, string>
  /** Working directory. */
  readonly cwd?: string
  /** Runtime to run it on. */
  readonly node?: string
  /** What to run instead, with the arguments after it; one that takes its place, so that signals reach it. */
  readonly command?: readonly [string, ...string[]]
}

/** What a run of `comb` did. */
export interface CombResult {
  /** Exit code; null if a signal ended it. */
  readonly code: number | null
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null
  /** Standard output. */
  readonly stdout: Buffer
  /** Standard error. */
  readonly stderr: string
}

/** A `comb` that runs. */
export interface RunningComb {
  /** Its process. */
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** How it ends. */
  readonly result: Promise<CombResult>
  /** What it has said on standard error so far. */
  stderr(): string
}

/** The whole suite starts hundreds of processes: what they load is compiled once. */
const cache = fileURLToPath(new URL('../../node_modules/.cache/combstream-compiled/', import.meta.url))

/** A new directory, for as long as the test runs. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'comb-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts `comb`, and ends it at the latest with the test. */
export function startComb(args: readonly string[], options: CombOptions = {}): RunningComb {
  const { COMB_TOKEN: _, ...environment } = process.env
  const [file, ...first] = options.command ?? [options.node ?? process.execPath, COMB_MAIN]
  const child = spawn(file, [...first, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...environment, NODE_COMPILE_CACHE: cache, ...options.env },
    cwd: options.cwd,
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A command that fails does not read what it is given.
  child.stdin.on('error', () => undefined)
  const result = new Promise<CombResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout: Buffer.concat(stdout), stderr }))
  })
  if (options.input !== undefined) {
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stdin.end(options.input)
  }
  return { child, result, stderr: () => stderr }
}

/** Runs `comb` to its end. */
export function comb(args: readonly string[], options: CombOptions = {}): Promise<CombResult> {
  return startComb(args, { input: '', ...options }).result
}

/** A `comb serve` that listens. */
export interface ServingComb extends RunningComb {
  /** Root of its hive. */
  readonly url: string
}

/** Starts `comb serve` on a port of its own. */
export async function serveComb(
  directory: string,
  args: readonly string[] = [],
  options: CombOptions = {},
): Promise<ServingComb> {
  const running = startComb(['serve', directory, '--port', '0', ...args], options)
  const { child, result } = running
  const line = await Promise.race([
    new Promise<string>((resolve) => {
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more
        if (text.includes('\n')) resolve(text)
      })
    }),
    result.then(({ code, stderr }) => Promise.reject(new Error(`comb serve ended with ${code}: ${stderr}`))),
  ])
  return { ...running, url: line.trim() }
}
