import { memoryBackend } from '../../src/backends/memory.ts'
import { type Backend, type GarbageReport, type StoreHost, StreamStore } from '../../src/store.ts'
import { VirtualHost } from './virtual-host.ts'

/** A day: longer than any lease. */
const AHEAD_MS = 86_400_000

/** Returns a host whose clock is a day ahead. Clocks may differ: they only decide when a collection tries. */
export function hastyHost(host: StoreHost): StoreHost {
  return {
    budget: host.budget,
    now: () => host.now() + AHEAD_MS,
    random: (byteLength) => host.random(byteLength),
    sleep: (delayMs, signal) => host.sleep(delayMs, signal),
  }
}

/** Collects as if every lease and grace period were over, so it deletes everything that the protocol lets it delete. */
export function collectHastily(
  backend: Backend,
  host: StoreHost = new VirtualHost({ now: Date.now() }),
): Promise<GarbageReport> {
  return new StreamStore(backend, { host: hastyHost(host) }).collectGarbage({ graceMs: 0 })
}

/** Returns everything that a backend holds, as text. */
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

/** Copies the current state of a backend into memory. */
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
