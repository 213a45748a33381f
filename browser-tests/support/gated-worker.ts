// A service worker as users write them, with small buffers, and a gate in its network: with `shut` in its URL, all but the
// first few requests wait until a page opens the gate. So a test has the time to replace an entry while it plays.
import { HttpHive } from '../../src/http.ts'
import { answerFetch, createFetchResponder } from '../../src/service-worker.ts'

const REQUESTS_BEFORE_GATE = 4
const BUFFER_SIZE = 32_768

interface GatedScope {
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
}

const scope = globalThis as unknown as GatedScope
const parameters = new URL(location.href).searchParams
let openGate: () => void
const gate = new Promise<void>((resolve) => (openGate = resolve))
let requests = 0
if (!parameters.has('shut')) openGate!()

const hive = new HttpHive(parameters.get('hive')!, {
  async fetch(url, init) {
    if (new Headers(init.headers).has('range') && ++requests > REQUESTS_BEFORE_GATE) await gate
    return fetch(url, init)
  },
})
const respond = createFetchResponder(hive, { base: parameters.get('base')!, bufferSize: BUFFER_SIZE })

addEventListener('install', () => void scope.skipWaiting())
addEventListener('activate', () => void scope.clients.claim())
addEventListener('fetch', (event) => answerFetch(event, respond))
addEventListener('message', ({ data }: MessageEvent<{ type?: string } | null>) => {
  if (data?.type === 'combstream:claim') void scope.clients.claim()
  if (data?.type === 'open') openGate()
})
