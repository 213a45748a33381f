// The page: a player, the list of entries, uploads, and updates by delta. Each part is a module of its own.
import { allEntries } from './all-entries.js'
import { BrowserStorage } from './browser-storage.js'
import { CacheView } from './cache-view.js'
import { DeltaUpdate } from './delta-update.js'
import { download } from './download.js'
import { byId, typedById } from './elements.js'
import { EntryList } from './entry-list.js'
import { isMedia } from './entry-row.js'
import { failureWords } from './failure-words.js'
import { browserHive, serverHive } from './hives.js'
import { HIVE_URL, IS_LOCAL } from './place.js'
import { Player } from './player.js'
import { Thumbnails } from './thumbnails.js'
import { Uploads } from './uploads.js'

/** @import { EntryInfo, ListedEntry, WorkerCache } from './types.ts' */

/** The hive tells when it changes, but a change may be missed. */
const REFRESH_MS = 60_000
/** When the hive did not answer, it is asked more often. */
const RETRY_MS = 3_000
/** Many changes at once are shown together. A long list is requested less often: at most a quarter of the time. */
const PAUSE_MS = 200
const PAUSE_SHARE = 3
/** How long a click waits for a service worker that is starting, or that is being told whether to use the network. */
const LATE_MS = 2_000

for (const link of document.querySelectorAll('nav a')) {
  if (link instanceof HTMLAnchorElement && link.pathname === location.pathname)
    link.setAttribute('aria-current', 'page')
}
const { hive, probe, connect, startWorker, watch, hasCache, storage } = await openHive()
let onFirstWorker = () => {}
/** Resolves once there is a service worker, or it is known that there is none. @type {Promise<void>} */
let workerKnown = new Promise((resolve) => (onFirstWorker = resolve))
/** The cache of the service worker, once there is one. @type {WorkerCache | undefined} */
let cache
/** @type {CacheView | undefined} */
let cacheView
const thumbnails = new Thumbnails()
const list = new EntryList(HIVE_URL, {
  play: (entry) => void playSoon(entry),
  remove: async ({ alias, etag }, signal) => {
    await hive.remove(alias, { ifMatch: etag, signal })
    await refresh()
  },
  panel: {
    download: (entry, running) => download(player.url(entry), entry, running),
    async rename({ alias, etag }, to, { signal }) {
      await hive.rename(alias, to, { ifMatch: etag, signal })
      await refresh()
      list.focus(to)
    },
    async isPinned({ alias }) {
      await workerKnown
      return cache ? ((await cache.cached(alias))?.pinned ?? false) : undefined
    },
    async pin({ alias }, { signal, onProgress }) {
      await cache?.pin(alias, { signal, onProgress: ({ bytes, size }) => onProgress(size > 0 ? bytes / size : 1) })
      cacheView?.refreshSoon()
    },
    async unpin({ alias }, { signal }) {
      await cache?.unpin(alias, { signal })
      cacheView?.refreshSoon()
    },
  },
  thumbnails,
})
const player = new Player(
  probe,
  HIVE_URL,
  (entry) => {
    list.markPlaying(entry.alias)
    typedById('video', HTMLVideoElement).poster = thumbnails.posterOf(entry)
    thumbnails.leave(entry)
    cacheView?.show(entry)
  },
  (entry, video) => thumbnails.take(entry, video),
)
const uploads = new Uploads(connect, refresh)
const update = storage ? undefined : new DeltaUpdate(hive, refresh)
const browserStorage = storage && new BrowserStorage(storage)
byId('update-card').hidden = update === undefined

async function openHive() {
  try {
    return IS_LOCAL ? await browserHive() : serverHive(HIVE_URL)
  } catch (error) {
    byId('hive-problem').textContent = `This browser cannot keep a hive. ${failureWords(error)}`
    // Without a hive, they do nothing.
    for (const id of ['drop', 'update-card']) byId(id).hidden = true
    throw error
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry

/** @type {(entries: ListedEntry[]) => void} */
let onFirstList
/** @type {Promise<ListedEntry[]>} */
const firstList = new Promise((resolve) => (onFirstList = resolve))

/** Shows the current entries of the hive, which others may change too. */
async function refresh() {
  const problem = byId('hive-problem')
  try {
    const entries = await allEntries(hive)
    list.show(entries)
    uploads.know(entries)
    update?.know(entries)
    player.know(entries)
    await browserStorage?.know(entries)
    problem.textContent = ''
    hasList = true
    onFirstList(entries)
  } catch (error) {
    const words = `This list may be out of date. ${failureWords(error)}`
    // A screen reader would read the same message again.
    if (problem.textContent !== words) problem.textContent = words
    clearTimeout(retry)
    retry = setTimeout(() => document.visibilityState === 'visible' && showChanges(), RETRY_MS)
    if (!hasList) await showCached()
  }
}

/** @param {EntryInfo} entry */
async function playSoon(entry) {
  // What is not played through the worker is not kept. Browsers let a page play for some seconds after a click.
  const isReady = workerKnown.then(() => cacheView?.switched)
  await Promise.race([isReady, new Promise((resolve) => setTimeout(resolve, LATE_MS))])
  player.play(entry)
}

/** Whether there is a list to show while the hive does not answer. */
let hasList = false

/** Shows the entries of which something is cached. */
async function showCached() {
  try {
    const found = await cache?.list()
    if (!found || hasList) return
    list.show([...found.entries])
    onFirstList([...found.entries])
  } catch {
    // There is no cache either. The page says already that the hive does not answer.
  }
}

let isShowing = false
let hasChanged = false

/** Shows the current entries, soon. */
function showChanges() {
  hasChanged = true
  if (!isShowing) void showAll()
}

async function showAll() {
  isShowing = true
  while (hasChanged) {
    hasChanged = false
    const begin = performance.now()
    await refresh()
    const tookMs = performance.now() - begin
    await new Promise((resolve) => setTimeout(resolve, Math.max(PAUSE_MS, tookMs * PAUSE_SHARE)))
  }
  isShowing = false
}

/** Looks at the hive when it says that it has changed, and now and then. A page that nobody sees needs no connection. */
async function keepFresh() {
  for (;;) {
    await untilVisible()
    const hiding = new AbortController()
    const hide = () => hiding.abort()
    document.addEventListener('visibilitychange', hide)
    const timer = setInterval(showChanges, REFRESH_MS)
    try {
      const changes = watch(hiding.signal).getReader()
      showChanges()
      for (let read = await changes.read(); !read.done; read = await changes.read()) showChanges()
    } catch {
      // The page is hidden, or the hive cannot tell.
      if (!hiding.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    } finally {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', hide)
    }
  }
}

/** @returns {Promise<void>} */
function untilVisible() {
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState !== 'visible') return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    look()
  })
}

/** Starts the service worker, and plays through it. Says why that is impossible, if it is. */
async function useWorker() {
  const problem = byId('worker-problem')
  try {
    const worker = await startWorker()
    player.playThrough(worker)
    problem.textContent = ''
    if (!hasCache) return
    cache = worker.cache
    cacheView ??= new CacheView()
    cacheView.use(cache)
    // Without a network, this is what there is.
    if (byId('hive-problem').textContent !== '') void showCached()
  } catch (error) {
    const consequence = IS_LOCAL ? 'Videos cannot be played.' : 'Videos are played directly from the server instead.'
    problem.textContent = `${failureWords(error)} ${consequence}`
  }
}

async function start() {
  player.isOffline = () => cacheView?.isOffline ?? false
  // The list and the worker must not wait for each other.
  void keepFresh()
  await useWorker()
  onFirstWorker()
  navigator.serviceWorker?.addEventListener('controllerchange', () => {
    // In Chromium, a page loses its worker when the user deletes the data of the site.
    if (!navigator.serviceWorker.controller) workerKnown = useWorker().then(() => player.retry())
  })
  const first = (await firstList).find(isMedia)
  if (first && !player.entry) player.load(first)
  thumbnails.start((entry) => player.url(entry))
}

await start()
