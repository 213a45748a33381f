import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { CombRunner } from './comb-runner.ts'

/** The built command: the tests start it hundreds of times, and it starts four times as fast as its sources. */
export const COMB_MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** The oldest Node that the package supports. */
export const NODE_22: string = fileURLToPath(new URL('../../node_modules/node-22/bin/node', import.meta.url))
/** Far longer than any run takes here. */
const TIMEOUT_MS = 50_000

/** How `comb` is run. */
export interface CombOptions {
  /** Standard input. Empty by default. */
  readonly input?: Uint8Array | string
  /** Further environment variables. */
  readonly env?: Record<string, string>
  /** Working directory. */
  readonly cwd?: string
  /** Runtime to run it on. */
  readonly node?: string
  /** Command to run instead, with the arguments appended. Signals go to its process. */
  readonly command?: readonly [string, ...string[]]
}

/** The result of a run of `comb`. */
export interface CombResult {
  /** Exit code. Null if a signal ended the process. */
  readonly code: number | null
  /** The signal that ended the process, if any. */
  readonly signal: NodeJS.Signals | null
  /** Standard output. */
  readonly stdout: Buffer
  /** Standard error. */
  readonly stderr: string
}

/** A running `comb`. */
export interface RunningComb {
  /** Its process. */
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Resolves with the result when the process has ended. */
  readonly result: Promise<CombResult>
  /** Returns what it has written to standard error so far. */
  stderr(): string
}

/** Compile cache for the hundreds of processes that the whole suite starts. */
const cache = fileURLToPath(new URL('../../node_modules/.cache/combstream-compiled/', import.meta.url))

/** Creates a directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'comb-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts `comb`. It is killed when the test ends, if it still runs. */
export function startComb(args: readonly string[], options: CombOptions = {}): RunningComb {
  const [file, ...first] = options.command ?? [options.node ?? process.execPath, COMB_MAIN]
  const child = spawn(file, [...first, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environmentOf(options),
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
  // A command that fails does not read its input.
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

let runner: CombRunner | undefined

/**
 * Runs `comb` to its end: in a process that has run others before, unless `command` or `node` ask for one of its own. So do
 * `rdiff`, which starts as fast as Node itself, and commands at the same time.
 */
export function comb(args: readonly string[], options: CombOptions = {}): Promise<CombResult> {
  const { input = '', cwd = process.cwd() } = options
  const needsProcess = options.command !== undefined || options.node !== undefined || args[0] === 'rdiff'
  if (needsProcess || runner?.isBusy) return combInProcess(args, options)
  if (runner === undefined || runner.hasEnded) runner = new CombRunner(environmentOf({}))
  const current = runner
  onTestFinished(() => current.endIfBusy())
  return current.run({ args, environment: environmentOf(options), cwd }, input)
}

/** Runs `comb` to its end in a process of its own. */
export function combInProcess(args: readonly string[], options: CombOptions = {}): Promise<CombResult> {
  return startComb(args, { input: '', ...options }).result
}

function environmentOf({ env }: CombOptions): Record<string, string | undefined> {
  const { COMB_TOKEN: _, ...environment } = process.env
  return { ...environment, NODE_COMPILE_CACHE: cache, ...env }
}

/** A listening `comb serve`. */
export interface ServingComb extends RunningComb {
  /** Root URL of its hive. */
  readonly url: string
}

/** Starts `comb serve` on a port of its own. Without a directory, the environment says where the hive is. */
export async function serveComb(
  directory: string | undefined,
  args: readonly string[] = [],
  options: CombOptions = {},
): Promise<ServingComb> {
  const place = directory === undefined ? [] : [directory]
  const running = startComb(['serve', ...place, '--port', '0', ...args], options)
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
