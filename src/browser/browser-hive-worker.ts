// The ready-made service worker, for a hive in the browser or on a server.
import { browserBackend } from '../backends/browser.ts'
import { markHandled } from '../bytes/promises.ts'
import { LocalHive } from '../hive/local-hive.ts'
import { HttpHive } from '../http/client/http-hive.ts'
import { BROWSER_HIVE_SCHEME } from '../service-worker/worker-messages.ts'
import { StreamStore } from '../store/stream-store.ts'
import { startWorker } from '../service-worker/start-worker.ts'

startWorker({
  hiveAt: (url, options) => {
    if (url.protocol !== BROWSER_HIVE_SCHEME) return new HttpHive(url, options)
    const name = decodeURIComponent(url.pathname)
    let store: StreamStore | undefined
    return async () => {
      // It is opened again once it has failed for good. What it listens to would stay open.
      if (store) markHandled(store.close())
      store = undefined
      store = new StreamStore(await browserBackend(name))
      return new LocalHive(store)
    }
  },
})
