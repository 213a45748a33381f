// The example server: a hive in ./data under /hive/, and the page that uses it. `npm start` builds the package and runs
// this with Node.
import { openAsBlob } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createHiveHandler, type Hive, LocalHive, StreamStore } from 'combstream'
import { directoryBackend } from 'combstream/backends/directory'
import { serve } from 'srvx'
import { staticFiles } from './static-files.ts'
import { Traffic } from './traffic.ts'

const CLIPS = { 'comb.mp4': 'video/mp4', 'comb.webm': 'video/webm' }
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/

try {
  await main()
} catch (error) {
  // The user can fix a port in use, or a folder that is not a hive: print one line, without a stack trace.
  console.error((error as Error).message)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { host, port, data } = readArguments()
  const backend = await directoryBackend(data)
  const store = new StreamStore(backend)
  const hive = new LocalHive(store)
  const traffic = new Traffic()
  const page = staticFiles()

  const server = serve({
    hostname: host,
    port,
    manual: true,
    silent: true,
    // Signals are handled below, where the hive is also closed.
    gracefulShutdown: false,
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname.startsWith('/hive/')) return handler(request)
      if (pathname === '/traffic') return traffic.answer(searchParams.get('alias') ?? '')
      return page(pathname)
    },
  })
  try {
    await storeClips(hive)
    await server.serve()
  } catch (error) {
    await store.close()
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      ? new Error(`port ${port} of ${host} is already in use: choose another with --port`)
      : error
  }

  const url = new URL(server.url!)
  const handler = createHiveHandler(hive, {
    base: '/hive/',
    // A page whose domain name has been rebound to this address must not write here.
    hosts: LOOPBACK.test(host) ? [url.host, `localhost:${url.port}`, `127.0.0.1:${url.port}`] : undefined,
    onTransfer: (transfer) => traffic.add(transfer),
    onError: (error) => console.error(error),
  })
  console.log(`The hive is in ${data}. The player is at ${url.href}`)
  if (!LOOPBACK.test(host)) console.log('Everybody who can reach this address can read and change the hive.')

  const end = async (): Promise<void> => {
    // A playing video would otherwise keep its connection open.
    await server.close(true)
    await store.close()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end())
}

function readArguments(): { host: string; port: number; data: string } {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8080' },
      data: { type: 'string', default: './data' },
    },
  })
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port must be from 0 to 65535, got ${values.port}`)
  return { host: values.host, port, data: values.data }
}

/** Stores the sample clips in a new hive. */
async function storeClips(hive: Hive): Promise<void> {
  if ((await hive.list({ limit: 1 })).entries.length > 0) return
  for (const [alias, type] of Object.entries(CLIPS)) {
    const clip = await openAsBlob(fileURLToPath(new URL(`clips/${alias}`, import.meta.url)))
    await clip.stream().pipeTo(hive.sink(alias, { type, ifNoneMatch: '*' }))
  }
}
