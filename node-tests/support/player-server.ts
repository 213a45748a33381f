import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { soon } from './streams.ts'

/** The example server, running. */
export interface PlayerServer {
  /** Its process. */
  readonly child: ChildProcess
  /** URL of the page, with a trailing slash. */
  readonly url: string
}

/** How a run of the example server ended. */
export interface PlayerEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the example server, which must have been built. */
export function runPlayer(...args: string[]): { child: ChildProcess; end: Promise<PlayerEnd> } {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const child = spawn(process.execPath, ['examples/player/serve.ts', ...args], { cwd: root })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  }
  const end = new Promise<PlayerEnd>((resolve) => child.once('close', (code) => resolve({ code, ...output })))
  return { child, end }
}

/** Starts the example server on a free port, and waits until it prints its URL. */
export async function startPlayer(data: string): Promise<PlayerServer> {
  const { child, end } = runPlayer('--port', '0', '--data', data)
  const said = new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', (more: string) => {
      text += more
      const url = /http:\S+/.exec(text)?.[0]
      if (url) resolve(url)
    })
    void end.then(({ stderr }) => reject(new Error(`the example server ended: ${stderr}`)))
  })
  return { child, url: await soon(said, 'the URL of the example server') }
}
