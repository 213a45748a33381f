// The page: a player, the list of entries, uploads, and updates by delta. Each part is a module of its own.
import { allEntries } from './all-entries.js'
import { BrowserStorage } from './browser-storage.js'
import { DeltaUpdate } from './delta-update.js'
import { byId } from './elements.js'
import { EntryList } from './entry-list.js'
import { isMedia } from './entry-row.js'
import { failureWords } from './failure-words.js'
import { browserHive, serverHive } from './hives.js'
import { HIVE_URL, IS_LOCAL } from './place.js'
import { Player } from './player.js'
import { Uploads } from './uploads.js'

const REFRESH_MS = 3_000
/** A long list is requested less often, so that it takes at most a tenth of the time. */
const REFRESH_SHARE = 0.1

for (const link of document.querySelectorAll('nav a')) {
  if (link instanceof HTMLAnchorElement && link.pathname === location.pathname)
    link.setAttribute('aria-current', 'page')
}
const { hive, probe, connect, startWorker, watch, storage } = await openHive()
const list = new EntryList(HIVE_URL, {
  play: (entry) => player.play(entry),
  remove: async ({ alias, etag }) => {
    await hive.remove(alias, { ifMatch: etag })
    await refresh()
  },
})
const player = new Player(probe, HIVE_URL, (entry) => list.markPlaying(entry.alias))
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
    return entries
  } catch (error) {
    const words = `This list may be out of date. ${failureWords(error)}`
    // A screen reader would read the same message again.
    if (problem.textContent !== words) problem.textContent = words
    return []
  }
}

async function keepFresh() {
  const begin = performance.now()
  const entries = document.visibilityState === 'visible' ? await refresh() : []
  // An empty list arrives at once. A failure may have taken long, but is not a reason to wait longer.
  const tookMs = entries.length === 0 ? 0 : performance.now() - begin
  setTimeout(() => void keepFresh(), Math.max(REFRESH_MS, tookMs / REFRESH_SHARE))
}

async function start() {
  // The list and the worker must not wait for each other.
  const entries = refresh()
  try {
    player.playThrough(await startWorker())
  } catch (error) {
    const consequence = IS_LOCAL ? 'Videos cannot be played.' : 'Videos are played directly from the server instead.'
    byId('worker-problem').textContent = `${failureWords(error)} ${consequence}`
  }
  const first = (await entries).find(isMedia)
  if (first && !player.entry) player.load(first)
  setTimeout(() => void keepFresh(), REFRESH_MS)
  // Other tabs and workers change the hive, too.
  await watch?.().pipeTo(new WritableStream({ write: () => void refresh() }))
}

await start()
