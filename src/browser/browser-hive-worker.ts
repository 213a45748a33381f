// The ready-made service worker, for a hive in the browser or on a server.
import { browserBackend } from '../backends/browser.ts'
import { LocalHive } from '../hive/local-hive.ts'
import { HttpHive } from '../http/client/http-hive.ts'
import { BROWSER_HIVE_SCHEME } from '../service-worker/worker-messages.ts'
import { StreamStore } from '../store/stream-store.ts'
import { startWorker } from '../service-worker/start-worker.ts'

startWorker((url) => {
  if (url.protocol !== BROWSER_HIVE_SCHEME) return new HttpHive(url)
  const name = decodeURIComponent(url.pathname)
  return async () => new LocalHive(new StreamStore(await browserBackend(name)))
})
