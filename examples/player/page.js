// The page: a player, the list of the hive's entries, uploads, and updates by delta. Each part is a module of its own.
import { HttpHive, registerHiveWorker } from '/combstream/page.js'
import { DeltaUpdate } from './delta-update.js'
import { byId } from './elements.js'
import { EntryList, isMedia } from './entry-list.js'
import { formatError } from './format.js'
import { Player } from './player.js'
import { Uploads } from './uploads.js'
import { fetchWithProgress } from './upload-fetch.js'

const HIVE_URL = new URL('hive/', location.href).href
const REFRESH_MS = 3_000

const hive = new HttpHive(HIVE_URL)
const player = new Player(hive, HIVE_URL)
const list = new EntryList((entry) => player.play(entry))
const uploads = new Uploads((onProgress) => new HttpHive(HIVE_URL, { fetch: fetchWithProgress(onProgress) }), refresh)
const update = new DeltaUpdate(hive, refresh)

/** Shows what the hive has now; others may change it too. */
async function refresh() {
  const problem = byId('hive-problem')
  try {
    const entries = await allEntries()
    list.show(entries, HIVE_URL)
    uploads.know(entries)
    update.know(entries)
    player.know(entries)
    problem.textContent = ''
    return entries
  } catch (error) {
    problem.textContent = formatError(error)
    return []
  }
}

async function allEntries() {
  const reader = hive.entries().getReader()
  const entries = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) entries.push(read.value)
  return entries
}

async function start() {
  // The list must not wait for the worker, nor the worker for the list.
  const entries = refresh()
  try {
    const worker = await registerHiveWorker('/service-worker.js', { hive: HIVE_URL })
    player.playThrough(worker)
  } catch (error) {
    player.say(`${formatError(error)} Playing straight from the server instead.`)
  }
  const first = (await entries).find(isMedia)
  if (first && !player.entry) player.load(first)
  setInterval(() => {
    if (document.visibilityState === 'visible') void refresh()
  }, REFRESH_MS)
}

await start()
