import { Argument, type Command, Option } from 'commander'
import { onAbort } from '../bytes/on-abort.ts'
import { parseBytes } from './byte-size.ts'
import { checkToken, compressOption, tokenOption } from './hive-arguments.ts'
import { addHive, checkPlace, type HivePlace, schemeOf, withPlace } from './hive-place.ts'
import { type LocalPlace, openLocal } from './open-hive.ts'
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
  readonly cache?: string
  readonly cacheBytes: number
  readonly from?: string
  readonly fromToken?: string
  readonly metadata?: string
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
    .option('--cache <dir>', 'serve the hive of --from in place of [dir], and keep what is read in this directory')
    .option('--from <url>', 'http(s) URL of the hive in front of which the cache stands')
    .addOption(
      new Option('--from-token <token>', 'token for the hive of --from; requires a token of this server')
        .env('COMB_FROM_TOKEN')
        .argParser(checkToken),
    )
    .addOption(new Option('--cache-bytes <size>', 'budget of the cache').default(10e9, '10GB').argParser(parseBytes))
    .addHelpText(
      'after',
      '\nA cache in front of another server: comb serve --cache ./cache --from https://hive.example/\n\n' +
        'Example:\n  comb serve ./data --port 8080',
    )
    .action((...parameters: unknown[]) => {
      const [options, command] = parameters.slice(-2) as [ServeOptions, Command]
      if (options.cache !== undefined) return serveCache(options, command, signal)
      if (options.from !== undefined) throw new UsageError('--from needs --cache, the directory of the cache')
      return withPlace((place) =>
        serve(describePlace(place), () => openPlace(place, options, signal), options, signal),
      )(...parameters)
    })
}

function openPlace(place: HivePlace, { compress }: ServeOptions, signal: AbortSignal): Promise<LocalPlace> {
  return openLocal(place, { create: true, thread: true, compress, signal })
}

/** Serves a hive on another server, from a cache as far as possible. */
async function serveCache(options: ServeOptions, command: Command, signal: AbortSignal): Promise<void> {
  const { cache: directory = '', from, fromToken, token, cacheBytes: bytes, compress } = options
  if (command.args.length > 0 || command.getOptionValueSource('metadata') === 'cli') {
    throw new UsageError('--cache serves the hive of --from: leave [dir] and --metadata out')
  }
  if (from === undefined) throw new UsageError('--cache needs --from, the URL of a hive')
  checkPlace(from)
  if (!/^https?:/i.test(from)) throw new UsageError(`--from must be the http(s) URL of a hive, got ${from}`)
  if (compress !== undefined) throw new UsageError('--compress is for a hive of its own, not for --cache')
  // Otherwise everybody who reaches this server could read what the token gives access to.
  if (fromToken !== undefined && token === undefined) {
    throw new UsageError('--from-token needs a token for this server: set COMB_TOKEN or use --token')
  }
  const place = { directory, from, token: fromToken, bytes }
  const open = async (): Promise<LocalPlace> => (await import('./open-cache.ts')).openCache(place)
  await serve(`${redactUrl(from)} from ${directory}`, open, options, signal)
}

async function serve(
  what: string,
  open: () => Promise<LocalPlace>,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { host, port, token, allowHost, allowOrigin, log = false, grace } = options
  if (token === '') throw new UsageError('an empty token would let everybody in')
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(`other machines can reach ${host}: set COMB_TOKEN or use --token to restrict access`)
  }
  const { hive, store, close } = await open()
  try {
    // Loaded here, because no other command needs a server.
    const { startHiveServer } = await import('./hive-server.ts')
    const graceMs = grace * 1000
    const server = await startHiveServer(hive, { host, port, token, allowHost, allowOrigin, log, graceMs })
    try {
      await writeOut(`${server.url}\n`)
      collectWhileServing(store, signal)
      if (process.stdout.isTTY) process.stderr.write(`serving ${what}; press Ctrl-C to stop\n`)
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
