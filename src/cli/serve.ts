import { Argument, type Command, Option } from 'commander'
import { onAbort } from '../bytes/on-abort.ts'
import { compressOption, tokenOption } from './hive-arguments.ts'
import { addHive, type HivePlace, schemeOf, withPlace } from './hive-place.ts'
import { openLocal } from './open-hive.ts'
import type { CommandContext } from './command-context.ts'
import { errorLine } from './error-line.ts'
import { printLine } from './print-line.ts'
import { redactUrl } from './redact.ts'
import type { CodecName } from '../store/codecs/block-codecs.ts'
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
  readonly compress?: CodecName
  readonly grace: number
}

/** Adds `comb serve`. */
export function addServeCommand(program: Command, { signal }: CommandContext): void {
  const directory = new Argument('[dir]', 'directory of the hive; created if it does not exist').default('./data')
  addHive(program.command('serve'), directory)
    .description('Serves the hive in a directory over HTTP until it is interrupted, and prints its URL.')
    .option('--host <host>', 'address to listen on; one that other machines can reach requires a token', '127.0.0.1')
    .addOption(new Option('--port <port>', 'port to listen on; 0: any free port').default(8080).argParser(parsePort))
    .addOption(tokenOption('token that clients must send'))
    .option('--allow-host <host>', 'another host name by which clients may reach the server; repeatable', addHost, [])
    .option('--allow-origin <origin>', 'another origin whose web pages may use the hive; repeatable', addOrigin, [])
    .addOption(compressOption())
    .option('--log', 'print a line on stderr for each request')
    .addOption(
      new Option('--grace <seconds>', 'how long transfers may continue after a signal')
        .default(0.5)
        .argParser(parseShutdownSeconds),
    )
    .addHelpText('after', '\nExample:\n  comb serve ./data --port 8080')
    .action(withPlace((place, options: ServeOptions) => serve(place, options, signal)))
}

async function serve(place: HivePlace, options: ServeOptions, signal: AbortSignal): Promise<void> {
  const { host, port, token, allowHost, allowOrigin, log = false, grace } = options
  if (token === '') throw new UsageError('an empty token would let everybody in')
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(`other machines can reach ${host}: set COMB_TOKEN or use --token to restrict access`)
  }
  const { compress } = options
  const { hive, store, close } = await openLocal(place, { create: true, thread: true, compress })
  try {
    // Loaded here, because no other command needs a server.
    const { startHiveServer } = await import('./hive-server.ts')
    const graceMs = grace * 1000
    const server = await startHiveServer(hive, { host, port, token, allowHost, allowOrigin, log, graceMs })
    try {
      await writeOut(`${server.url}\n`)
      collectWhileServing(store, signal)
      if (process.stdout.isTTY) process.stderr.write(`serving ${describePlace(place)}; press Ctrl-C to stop\n`)
      await new Promise((resolve) => onAbort([signal], resolve))
    } finally {
      await server.close()
    }
  } finally {
    await close()
  }
}

function describePlace(place: HivePlace): string {
  if (typeof place === 'string') return place
  return [place.metadata, place.blocks ?? []]
    .flat()
    .map((part) => (schemeOf(part) === undefined ? part : redactUrl(part)))
    .join(' and ')
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

/** Adds an origin, written as browsers send it (RFC 6454, section 6.1), to the earlier ones. */
function addOrigin(value: string, values: readonly string[]): string[] {
  if (!URL.canParse(value) || new URL(value).origin !== value) {
    throw new UsageError(`an origin must be like https://page.example, without a path, got ${value}`)
  }
  return [...values, value]
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  if (port > 65_535) throw new UsageError(`a port must be from 0 to 65535, got ${text}`)
  return port
}

function parseShutdownSeconds(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Infinity
  if (seconds > MOST_GRACE_S)
    throw new UsageError(`the grace period must be from 0 to ${MOST_GRACE_S} seconds, got ${text}`)
  return seconds
}

/** Adds a Host header value in the form used for comparison: in lower case, without the default port of http. */
function addHost(value: string, values: readonly string[]): string[] {
  const url = URL.canParse(`http://${value}`) ? new URL(`http://${value}`) : undefined
  if (!url || url.href !== `http://${url.host}/`)
    throw new UsageError(`a host must be like hive.example:8080, got ${value}`)
  return [...values, url.host]
}
