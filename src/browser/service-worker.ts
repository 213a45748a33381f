// The ready-made service worker, for a hive on a server.
import { HttpHive } from '../http/client/http-hive.ts'
import { startWorker } from '../service-worker/start-worker.ts'

startWorker((url) => new HttpHive(url))
