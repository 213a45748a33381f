// The ready-made service worker that keeps what it has read: for a hive on a server.
import { browserBackend } from '../backends/browser.ts'
import { HttpHive } from '../http/client/http-hive.ts'
import { startWorker } from '../service-worker/start-worker.ts'
import { StreamStore } from '../store/stream-store.ts'

/** The database of the cache; all workers of the origin share it. */
const DATABASE = 'combstream-cache'

startWorker({
  hiveAt: (url, options) => new HttpHive(url, options),
  openStore: async () => new StreamStore(await browserBackend(DATABASE, { asBlobs: true }), { name: 'cache' }),
})
