// The part of the bench inside a page. `ours/` and `peer/` are frames with this script, each with a worker of its own; the
// outer page, which has it too, calls them.
import { HttpHive, registerHiveWorker } from 'combstream/browser/page.js'

/** How long a download took. */
export interface Download {
  readonly wallMs: number
  readonly firstMs: number
  readonly byteLength: number
}

let worker: Awaited<ReturnType<typeof registerHiveWorker>> | undefined

/** In `ours/`: registers the cache worker. */
export async function startOurs(hive: string, bytes: number): Promise<void> {
  worker = await registerHiveWorker('cache-worker.js', { hive, cache: { bytes } })
  await worker.cache.clear({ everyone: true })
}

/** In `peer/`: registers the worker with Cache Storage, and keeps the whole file. */
export async function startPeer(url: string): Promise<void> {
  const controlled = new Promise((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
  })
  await navigator.serviceWorker.register('peer-worker.js')
  if (!navigator.serviceWorker.controller) await controlled
  const cache = await caches.open('bench')
  await cache.put('kept', await fetch(url))
}

/** URL of an entry through the worker. */
export async function urlOf(hive: string, alias: string): Promise<string> {
  return worker!.url(await new HttpHive(hive).stat(alias))
}

/** Reads a URL to its end. */
export async function download(url: string, range?: string): Promise<Download> {
  const begun = performance.now()
  const { body } = await fetch(url, range === undefined ? {} : { headers: { Range: range } })
  const reader = body!.getReader()
  let firstMs = Infinity
  let byteLength = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (byteLength === 0) firstMs = performance.now() - begun
    byteLength += value.byteLength
  }
  return { wallMs: performance.now() - begun, firstMs, byteLength }
}

/** Milliseconds until a `<video>` has its first frame. */
export async function firstFrame(url: string): Promise<number> {
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.preload = 'auto'
  const shown = new Promise((resolve, reject) => {
    video.addEventListener('loadeddata', resolve, { once: true })
    video.addEventListener('error', () => reject(new Error(`media error ${video.error?.message}`)), { once: true })
  })
  const begun = performance.now()
  video.src = url
  document.body.replaceChildren(video)
  await shown
  const took = performance.now() - begun
  video.removeAttribute('src')
  video.load()
  document.body.replaceChildren()
  return took
}

/**
 * Seeks in a `<video>` from the cache, and reads ranges all over it; returns how many bytes came from the network and from the
 * cache.
 */
export async function seekWithin(
  url: string,
  size: number,
  seeks: number,
): Promise<{ network: number; cache: number }> {
  const before = await worker!.cache.usage()
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.src = url
  document.body.replaceChildren(video)
  await new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true }))
  for (let i = 0; i < seeks; i++) {
    const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }))
    video.currentTime = ((i * 7) % 10) * 0.1 * video.duration
    await sought
    const start = Math.floor((((i * 7) % seeks) / seeks) * size)
    await download(url, `bytes=${start}-${Math.min(start + 100_000, size) - 1}`)
  }
  video.removeAttribute('src')
  video.load()
  document.body.replaceChildren()
  const after = await worker!.cache.usage()
  return { network: after.networkBytes - before.networkBytes, cache: after.cacheBytes - before.cacheBytes }
}

/** Waits until the worker has kept all of an entry. */
export async function untilKept(alias: string, byteLength: number): Promise<void> {
  for (let tries = 0; (await worker!.cache.cached(alias))?.bytes !== byteLength; tries++) {
    if (tries === 600) throw new Error('the entry is not kept')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Empties the cache. */
export async function clear(): Promise<void> {
  await worker!.cache.clear({ everyone: true })
}

const parts = { startOurs, startPeer, urlOf, download, firstFrame, seekWithin, untilKept, clear }

/** In the outer page: calls a part in one of the frames. */
export async function call(frame: 'ours' | 'peer', part: keyof typeof parts, ...args: unknown[]): Promise<unknown> {
  const inner = document.querySelector<HTMLIFrameElement>(`iframe[src="${frame}/"]`)!.contentWindow as unknown as {
    readonly parts?: Record<string, (...args: unknown[]) => Promise<unknown>>
  }
  for (let tries = 0; !inner.parts; tries++) {
    if (tries === 200) throw new Error(`${frame} does not load`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return inner.parts[part]!(...args)
}

Object.assign(globalThis, { parts, call })
