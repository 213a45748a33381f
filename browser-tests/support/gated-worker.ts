// A service worker such as users write, with small buffers and a gate in its network: with `hold=start-end` in its URL,
// requests that start in that range wait until a page opens the gate. This way a test controls what a browser can have
// read. The pages get a message when a request starts to wait, and when a waiting request is cancelled.
import { HttpHive } from '../../src/http.ts'
import { answerFetch, createFetchResponder } from '../../src/service-worker.ts'

const BUFFER_SIZE = 32_768

interface GatedScope {
  skipWaiting(): Promise<void>
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { includeUncontrolled: boolean }): Promise<{ postMessage(message: unknown): void }[]>
  }
}

const scope = globalThis as unknown as GatedScope
const parameters = new URL(location.href).searchParams
const [holdStart, holdEnd] = (parameters.get('hold') ?? '0-0').split('-').map(Number) as [number, number]
let openGate: () => void
const gate = new Promise<void>((resolve) => (openGate = resolve))

const hive = new HttpHive(parameters.get('hive')!, {
  async fetch(url, init) {
    const start = Number(/^bytes=(\d+)/.exec(new Headers(init.headers).get('range') ?? '')?.[1])
    if (start >= holdStart && start < holdEnd) {
      void tellPages('held')
      init.signal?.addEventListener('abort', () => void tellPages('cancelled'))
      await gate
    }
    return fetch(url, init)
  },
})
const respond = createFetchResponder(hive, { base: parameters.get('base')!, bufferSize: BUFFER_SIZE })

async function tellPages(type: 'held' | 'cancelled'): Promise<void> {
  for (const page of await scope.clients.matchAll({ includeUncontrolled: true })) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a client is not a window
    page.postMessage({ type })
  }
}

addEventListener('install', () => void scope.skipWaiting())
addEventListener('activate', () => void scope.clients.claim())
addEventListener('fetch', (event) => answerFetch(event, respond))
addEventListener('message', ({ data }: MessageEvent<{ type?: string } | null>) => {
  if (data?.type === 'combstream:claim') void scope.clients.claim()
  if (data?.type === 'open') openGate()
})
