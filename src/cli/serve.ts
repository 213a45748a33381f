import { type Command, Option } from 'commander'
import { onAbort } from '../bytes/on-abort.ts'
import { tokenOption } from './hive-arguments.ts'
import { openDirectory } from './open-hive.ts'
import type { CommandContext } from './command-context.ts'
import { errorLine } from './error-line.ts'
import { printLine } from './print-line.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { writeOut } from './stdio.ts'
import { UsageError } from './usage-error.ts'

/** A day. */
const MOST_GRACE_S = 86_400

interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly token?: string
  readonly allowHost: readonly string[]
  readonly allowOrigin: readonly string[]
  readonly log?: true
  readonly grace: number
}

/** Adds `comb serve`. */
export function addServeCommand(program: Command, { signal }: CommandContext): void {
  program
    .command('serve')
    .description('Serves the hive in a directory over HTTP, until it is interrupted, and prints its URL.')
    .argument('[dir]', 'directory of the hive; made where there is none', './data')
    .option('--host <host>', 'address to listen at; one that others can reach needs a token', '127.0.0.1')
    .addOption(new Option('--port <port>', 'port to listen at; 0: any').default(8080).argParser(parsePort))
    .addOption(tokenOption('secret that clients must know'))
    .option('--allow-host <host>', 'a further name that clients may reach the server by, repeatable', addHost, [])
    .option('--allow-origin <origin>', 'a web page of another origin that may use the hive, repeatable', addOrigin, [])
    .option('--log', 'print a line for every request on stderr')
    .addOption(
      new Option('--grace <seconds>', 'how long transfers may go on once a signal has come')
        .default(0.5)
        .argParser(parseSeconds),
    )
    .addHelpText('after', '\nExample:\n  comb serve ./data --port 8080')
    .action((directory: string, options: ServeOptions) => serve(directory, options, signal))
}

async function serve(directory: string, options: ServeOptions, signal: AbortSignal): Promise<void> {
  const { host, port, token, allowHost, allowOrigin, log = false, grace } = options
  if (token === '') throw new UsageError('an empty token lets everybody in')
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(`others can reach ${host}: set COMB_TOKEN, or give --token, to say who may use the hive`)
  }
  const { hive, store, close } = await openDirectory(directory, { create: true })
  try {
    // No other command needs what a server is made of.
    const { startHiveServer } = await import('./hive-server.ts')
    const graceMs = grace * 1000
    const server = await startHiveServer(hive, { host, port, token, allowHost, allowOrigin, log, graceMs })
    try {
      await writeOut(`${server.url}\n`)
      collectWhileServing(store, signal)
      if (process.stdout.isTTY) process.stderr.write(`serving ${directory}; Ctrl-C ends it\n`)
      await new Promise((resolve) => onAbort([signal], resolve))
    } finally {
      await server.close()
    }
  } finally {
    await close()
  }
}

/** Gives the space of what was removed or replaced back; what goes wrong again and again is said once. */
function collectWhileServing(store: StreamStore, signal: AbortSignal): void {
  let last: string | undefined
  store.startCollector({
    signal,
    onError(error) {
      const line = `collecting garbage: ${errorLine(error)}`
      if (line !== last) printLine(line)
      last = line
    },
  })
}

/** Whether only this machine can reach an address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** An origin as browsers send it (RFC 6454, section 6.1), added to those before it. */
function addOrigin(value: string, values: readonly string[]): string[] {
  if (!URL.canParse(value) || new URL(value).origin !== value) {
    throw new UsageError(`an origin is like https://page.example, without a path, got ${value}`)
  }
  return [...values, value]
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  if (port > 65_535) throw new UsageError(`a port is from 0 to 65535, got ${text}`)
  return port
}

function parseSeconds(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Infinity
  if (seconds > MOST_GRACE_S) throw new UsageError(`a time of grace is from 0 to ${MOST_GRACE_S} seconds, got ${text}`)
  return seconds
}

/** A value of a Host header, as it is compared: in lower case, and without the port that http has by default. */
function addHost(value: string, values: readonly string[]): string[] {
  const url = URL.canParse(`http://${value}`) ? new URL(`http://${value}`) : undefined
  if (!url || url.href !== `http://${url.host}/`) throw new UsageError(`a host is like hive.example:8080, got ${value}`)
  return [...values, url.host]
}
