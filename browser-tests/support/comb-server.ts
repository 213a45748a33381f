import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserCommand, TestProject } from 'vitest/node'
import { spreadClip } from './spread-clip.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * Root URL of `comb serve`, with a trailing slash. It serves the clips of the example player under their names, and
     * `spread.mp4`, which has a gap of 96 MiB in its middle.
     */
    combUrl: string
    /** File with the standard error of that server. */
    combLog: string
  }
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    combLog: () => Promise<string>
  }
}

const GAP_BYTES = 96 * 1024 * 1024
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const CLIPS = fileURLToPath(new URL('../../examples/player/clips', import.meta.url))

/** Puts the clips into a hive and serves it. Does both with `comb`, as a user would. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'comb-clips-'))
  const [hive, logFile] = [join(directory, 'hive'), join(directory, 'log')]
  const log = await open(logFile, 'w')
  let server: ChildProcess | undefined
  const teardown = async (): Promise<void> => {
    if (server?.exitCode === null && server.kill()) await once(server, 'exit')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const [mp4, spread] = [join(CLIPS, 'comb.mp4'), join(directory, 'spread.mp4')]
    await writeFile(spread, spreadClip(new Uint8Array(await readFile(mp4)), new Uint8Array(GAP_BYTES)))
    await putClip(hive, 'comb.mp4', mp4)
    await putClip(hive, 'spread.mp4', spread)
    await putClip(hive, 'comb.webm', join(CLIPS, 'comb.webm'))
    // Lets the tests' own page, which has another origin, use the hive.
    const { port } = project.vite.httpServer!.address() as AddressInfo
    const page = `http://127.0.0.1:${port}`
    server = startComb(['serve', hive, '--port', '0', '--log', '--allow-origin', page], log.fd)
    project.provide('combUrl', await firstLine(server))
    project.provide('combLog', logFile)
  } catch (error) {
    await teardown()
    throw error
  } finally {
    await log.close()
  }
  return teardown
}

/** Returns what `comb serve --log` has written so far. */
export const combLog: BrowserCommand = ({ project }) => readFile(project.getProvidedContext().combLog, 'utf8')

async function putClip(hive: string, alias: string, file: string): Promise<void> {
  const child = startComb(['put', hive, alias, file], 'inherit')
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`comb put ended with ${code}`)
}

function startComb(args: readonly string[], stderr: number | 'inherit'): ChildProcess {
  const { COMB_TOKEN: _, ...env } = process.env
  return spawn(process.execPath, [MAIN, ...args], { env, stdio: ['pipe', 'pipe', stderr] })
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = ''
  for await (const more of stdout!.setEncoding('utf8')) {
    text += String(more)
    if (text.includes('\n')) return text.trim()
  }
  throw new Error('comb serve ended before it printed its address')
}
