import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WorkerCache } from '../../src/service-worker/worker-cache.ts'
import { WorkerCalls } from '../../src/service-worker/worker-calls.ts'
import { rejection } from '../support/streams.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

/** A page whose service worker never answers. */
function start(): { cache: WorkerCache; tell(data: unknown): void; end(): void; listeners(): number } {
  const container = new EventTarget() as ServiceWorkerContainer
  let listeners = 0
  const { addEventListener, removeEventListener } = EventTarget.prototype
  container.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++
    addEventListener.apply(container, args)
  }
  container.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--
    removeEventListener.apply(container, args)
  }
  const sent: { id: string }[] = []
  const registration = { active: { postMessage: (message: { id: string }) => void sent.push(message) } as unknown }
  return {
    cache: new WorkerCache(new WorkerCalls(container, registration as ServiceWorkerRegistration)),
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
