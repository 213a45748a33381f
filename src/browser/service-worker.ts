// The ready-made service worker, for a hive on a server.
import { HttpHive } from '../http/client/http-hive.ts'
import { startWorker } from '../service-worker/start-worker.ts'

startWorker({ hiveAt: (url, options) => new HttpHive(url, options) })
