import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WorkerCache } from '../../src/service-worker/worker-cache.ts'
import { WorkerCalls } from '../../src/service-worker/worker-calls.ts'
import { rejection } from '../support/streams.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A page whose service worker never answers, or says that it has each call. */
function start(accepts = false): { cache: WorkerCache; tell(data: unknown): void; end(): void; listeners(): number } {
  let listeners = 0
  /** A target that counts its listeners, which a signal removes. */
  const counted = (): EventTarget => {
    const target = new EventTarget()
    target.addEventListener = (type: string, listener: EventListener, options: { signal: AbortSignal }) => {
      listeners++
      options.signal.addEventListener('abort', () => listeners--)
      EventTarget.prototype.addEventListener.call(target, type, listener, options)
    }
    return target
  }
  const container = counted() as ServiceWorkerContainer
  const sent: { id: string }[] = []
  const postMessage = (message: { id: string }, [port]: readonly MessagePort[] = []): void => {
    sent.push(message)
    if (accepts) port?.postMessage({ accepted: true })
  }
  const active = { scriptURL: 'https://page.test/own.js', postMessage } as unknown
  const registration = Object.assign(counted(), { active })
  return {
    cache: new WorkerCache(new WorkerCalls(container, registration as unknown as ServiceWorkerRegistration)),
    tell: (data) => container.dispatchEvent(new MessageEvent('message', { data: { ...sent[0], ...(data as object) } })),
    end: () => (registration.active = undefined),
    listeners: () => listeners,
  }
}

it('WorkerCache fails, and leaves no timer and no listener, when the registration of its worker is removed', async () => {
  for (const notice of ['at once', 'in time', 'when told'] as const) {
    const page = start()
    if (notice === 'at once') page.end()
    const call = rejection(page.cache.usage())
    page.end()
    if (notice === 'in time') vi.advanceTimersByTime(20_000)
    if (notice === 'when told') page.tell({ type: 'combstream:lost' })
    expect(await call, notice).toMatchObject({
      message: expect.stringContaining('the service worker is gone') as string,
    })
    expect([vi.getTimerCount(), page.listeners()], notice).toEqual([0, 0])
  }
})

it('WorkerCache fails if its worker does not answer calls, and not if that has the call and takes its time', async () => {
  const page = start()
  const call = rejection(page.cache.usage())
  vi.advanceTimersByTime(30_000)
  expect(await call).toMatchObject({
    name: 'TypeError',
    message: expect.stringContaining('https://page.test/own.js does not answer calls') as string,
  })
  expect([vi.getTimerCount(), page.listeners()]).toEqual([0, 0])

  const Channel = globalThis.MessageChannel
  const accepted = new Promise((resolve) => {
    vi.stubGlobal('MessageChannel', function () {
      const channel = new Channel()
      // A task later, when those that listen too have heard it.
      channel.port1.addEventListener('message', () => setTimeout(resolve))
      return channel
    })
  })
  const patient = start(true)
  const abort = new AbortController()
  const pin = rejection(patient.cache.pin('bee.mp4', { signal: abort.signal }))
  await accepted
  vi.advanceTimersByTime(600_000)
  abort.abort('stop')
  expect(await pin).toBe('stop')
  expect([vi.getTimerCount(), patient.listeners()]).toEqual([0, 0])
})
