import { run } from '../../scripts/run.mjs'
import type { PlainRow } from './against-plain.ts'
import { bundle } from './bundle.ts'
import type { Message, Plan } from './host.ts'
import { type BrowserName, openPage } from './open-page.ts'
import { servePage } from './page-server.ts'

/** The command line of each runtime that is not a browser. */
const COMMANDS = {
  node: ['node'],
  deno: ['deno', 'run', '--allow-all', '--no-remote', '--no-lock', '--no-config'],
  bun: ['bun'],
}

/** The runtimes that the bench supports. */
export const RUNTIMES = ['node', 'deno', 'bun', 'chromium', 'firefox', 'webkit'] as const

/** One of {@linkcode RUNTIMES}. */
export type Runtime = (typeof RUNTIMES)[number]

const TIMEOUT_MS = 900_000

/** What to measure in a runtime. */
export interface RuntimeBenchOptions extends Plan {
  /** Directory for scratch files. */
  readonly directory: string
  /** Size of an old version in bytes. */
  readonly byteLength: number
}

/** Prints the table of one runtime: combstream against the plain TypeScript path. Returns whether it is complete. */
export async function benchInRuntime(runtime: Runtime, options: RuntimeBenchOptions): Promise<boolean> {
  const { directory, corpora, rounds, only, byteLength } = options
  const plan = { corpora, rounds, only }
  console.log(`\nrsync in ${runtime}, ${byteLength / 2 ** 20} MiB in memory, wall time, medians of ${rounds} rounds`)
  let done = false
  let failures = 0
  const onMessage = (message: Message): void => {
    switch (message.kind) {
      case 'host':
        console.log(`${new Date().toISOString()}, ${message.userAgent}\n`)
        console.log('| operation | pair | MB/s | plain path | ratio | bytes | plain |\n|---|---|---|---|---|---|---|')
        break
      case 'row':
        console.log(rowText(message.row, byteLength))
        break
      case 'failed':
        failures++
        console.log(`| not measured: ${message.message} | | | | | | |`)
        break
      default:
        done = true
    }
  }
  try {
    if (runtime === 'chromium' || runtime === 'firefox' || runtime === 'webkit') {
      await inBrowser(runtime, await bundle('page-host', directory), plan, (message) => {
        onMessage(message)
        return done
      })
    } else {
      await inProcess(COMMANDS[runtime], await bundle('process-host', directory), plan, onMessage)
    }
  } catch (error) {
    // A missing runtime must not keep the others from being measured.
    console.log(String(error))
  }
  if (!done) console.log(`${runtime} ended or timed out before it was done`)
  return done && failures === 0
}

async function inProcess(
  command: readonly string[],
  script: string,
  plan: Plan,
  onMessage: (message: Message) => void,
): Promise<void> {
  const { output } = await run([...command, script, JSON.stringify(plan)], { timeoutMs: TIMEOUT_MS })
  for (const line of output.split('\n')) {
    if (line.startsWith('{"kind":')) onMessage(JSON.parse(line) as Message)
    else if (line !== '') console.log(line)
  }
}

/** Opens the page until it is done or times out. */
async function inBrowser(
  name: BrowserName,
  script: string,
  plan: Plan,
  isDone: (message: Message) => boolean,
): Promise<void> {
  let finish = (): void => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const timer = setTimeout(finish, TIMEOUT_MS)
  const server = await servePage(script, plan, (message) => {
    if (isDone(message)) finish()
  })
  try {
    const close = await openPage(name, server.url, finish)
    await finished
    await close()
  } finally {
    clearTimeout(timer)
    server.close()
  }
}

function rowText({ operation, corpus, ourMs, plainMs, sizes }: PlainRow, byteLength: number): string {
  const speed = (ms: number): string => (byteLength / 1000 / ms).toFixed(0)
  const cells = [operation, corpus, speed(ourMs), speed(plainMs), (plainMs / ourMs).toFixed(2), ...sizes]
  return `| ${cells.join(' | ')} |`
}
