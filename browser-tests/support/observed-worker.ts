// The ready-made service worker with a cache, observed.
import { browserBackend } from '../../src/backends/browser.ts'
import { HttpHive } from '../../src/http/client/http-hive.ts'
import { startWorker } from '../../src/service-worker/start-worker.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { observeHost } from './observe-host.ts'

observeHost()
startWorker({
  hiveAt: (url, options) => new HttpHive(url, options),
  openStore: async () =>
    new StreamStore(await browserBackend('combstream-cache', { asBlobs: true }), { name: 'cache' }),
})
