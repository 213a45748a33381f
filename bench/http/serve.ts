// The process that serves a hive to the benches, at once and over slow links. Its arguments are the directory of the hive
// and the size in bytes of the entry `large`, which it stores first. It prints the URLs as JSON, and serves until its
// standard input ends. Each line there is the number of a schedule of cuts, which begins; it is printed then.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { serve } from 'srvx'
import { LocalHive, StreamStore } from 'combstream'
import { directoryBackend } from 'combstream/backends/directory'
import { createHiveHandler } from 'combstream/http'
import { noise } from '../noise.ts'
import { startSlowLink } from './slow-link.ts'

/** 100 Mbit/s, as a client far away has them. */
const LINK = { bytesPerSecond: 12_500_000, roundTripMs: 50 }
const PIECE_BYTES = 4 * 2 ** 20

const [directory, byteLength] = [process.argv[2]!, Number(process.argv[3])]
const hive = new LocalHive(new StreamStore(await directoryBackend(directory)))
let stored = 0
const content = new ReadableStream<Uint8Array>({
  pull(controller) {
    if (stored === byteLength) return controller.close()
    const bytes = noise(Math.min(PIECE_BYTES, byteLength - stored), stored + 1)
    stored += bytes.byteLength
    return controller.enqueue(bytes)
  },
})
await content.pipeTo(hive.sink('large'))
const server = serve({
  hostname: '127.0.0.1',
  port: 0,
  silent: true,
  gracefulShutdown: false,
  fetch: createHiveHandler(hive),
})
await server.ready()
const targetPort = Number(new URL(server.url!).port)
const url = (port: number): string => `http://127.0.0.1:${port}/`
const slow = await startSlowLink({ ...LINK, targetPort, cutShare: 0 })
const cut = await startSlowLink({ ...LINK, targetPort, cutShare: 0.01 })
console.log(JSON.stringify({ near: url(targetPort), slow: url(slow.port), cut: url(cut.port) }))
createInterface(process.stdin)
  .on('line', (schedule) => {
    cut.begin(Number(schedule))
    console.log(schedule)
  })
  .on('close', () => process.exit())
