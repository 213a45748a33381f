import { memoryBackend } from '../../src/backends/memory.ts'
import { type Backend, type GarbageReport, type StoreHost, StreamStore } from '../../src/store.ts'
import { VirtualHost } from './virtual-host.ts'

/** A day: longer than any lease. */
const AHEAD_MS = 86_400_000

/** A host whose clock is a day ahead of another's: clocks differ, and only decide when collection tries. */
export function hastyHost(host: StoreHost): StoreHost {
  return {
    budget: host.budget,
    now: () => host.now() + AHEAD_MS,
    random: (byteLength) => host.random(byteLength),
    sleep: (delayMs, signal) => host.sleep(delayMs, signal),
  }
}

/** Collects as if every lease and every grace were over: nothing that may go by the rules is safe from it. */
export function collectHastily(
  backend: Backend,
  host: StoreHost = new VirtualHost({ now: Date.now() }),
): Promise<GarbageReport> {
  return new StreamStore(backend, { host: hastyHost(host) }).collectGarbage({ graceMs: 0 })
}

/** All that a backend holds, as text. */
export async function dump(backend: Backend): Promise<string[]> {
  const all: string[] = []
  for (let after: Uint8Array | undefined; ;) {
    const rows = await backend.metadata.list({ prefix: new Uint8Array(0), after, limit: 1000 })
    if (rows.length === 0) break
    all.push(...rows.map(({ key, value, version }) => `${key.join()} ${value.join()} ${version}`))
    after = rows.at(-1)!.key
  }
  return [...all, ...(await backend.blocks.list({ prefix: '', limit: 100_000 })).map(({ name }) => name)]
}

/** A copy of a backend in memory as it is now. */
export async function copyOf(backend: Backend): Promise<Backend> {
  const copy = memoryBackend()
  for (const { key, value } of await backend.metadata.list({ prefix: new Uint8Array(0), limit: 100_000 })) {
    await copy.metadata.commit([], [{ key, value }])
  }
  for (const { name } of await backend.blocks.list({ prefix: '', limit: 100_000 })) {
    const bytes = await backend.blocks.get(name)
    if (bytes) await copy.blocks.put(name, bytes)
  }
  return copy
}
