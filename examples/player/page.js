// The page: a player, the list of entries, uploads, and updates by delta. Each part is a module of its own.
import { HttpHive, registerHiveWorker } from '/combstream/page.js'
import { allEntries } from './all-entries.js'
import { DeltaUpdate } from './delta-update.js'
import { byId } from './elements.js'
import { EntryList } from './entry-list.js'
import { isMedia } from './entry-row.js'
import { failureWords } from './failure-words.js'
import { Player } from './player.js'
import { Uploads } from './uploads.js'
import { fetchWithProgress } from './upload-fetch.js'

const HIVE_URL = new URL('hive/', location.href).href
const REFRESH_MS = 3_000
/** A long list is requested less often, so that it takes at most a tenth of the time. */
const REFRESH_SHARE = 0.1

const hive = new HttpHive(HIVE_URL)
const list = new EntryList(HIVE_URL, (entry) => player.play(entry))
const player = new Player(HIVE_URL, (entry) => list.markPlaying(entry.alias))
const uploads = new Uploads((onProgress) => new HttpHive(HIVE_URL, { fetch: fetchWithProgress(onProgress) }), refresh)
const update = new DeltaUpdate(hive, refresh)

/** Shows the current entries of the hive, which others may change too. */
async function refresh() {
  const problem = byId('hive-problem')
  try {
    const entries = await allEntries(hive)
    list.show(entries)
    uploads.know(entries)
    update.know(entries)
    player.know(entries)
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
    const worker = await registerHiveWorker('/service-worker.js', { hive: HIVE_URL })
    player.playThrough(worker)
  } catch (error) {
    byId('worker-problem').textContent = `${failureWords(error)} Videos are played directly from the server instead.`
  }
  const first = (await entries).find(isMedia)
  if (first && !player.entry) player.load(first)
  setTimeout(() => void keepFresh(), REFRESH_MS)
}

await start()
