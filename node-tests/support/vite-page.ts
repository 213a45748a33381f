import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { serve } from 'srvx'
import { build } from 'vite'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http/server/handler.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

/** A page such as a user writes who has installed the package and builds with Vite. */
const MAIN = `
import { bytesSource, HttpHive, registerHiveWorker, SignatureStream, WorkerPool } from 'combstream/browser/page.js'
import script from 'combstream/browser/service-worker.js?url'

try {
  const hive = new HttpHive(new URL('/hive/', location.href))
  const sink = hive.sink('a.txt', { type: 'text/plain' })
  await new Blob(['honey']).stream().pipeTo(sink)
  const worker = await registerHiveWorker(script, { hive: '/hive/' })
  const answer = await fetch(worker.url(await sink.entry))

  const pool = new WorkerPool(
    () => new Worker(new URL('combstream/browser/rsync-worker.js', import.meta.url), { type: 'module' }),
  )
  const signature = new Blob(['honey']).stream().pipeThrough(new SignatureStream({ pool }))
  const { byteLength } = await new Response(signature).arrayBuffer()
  await pool.close()
  document.title = [answer.url, await answer.text(), byteLength].join(' ')
} catch (error) {
  document.title = String(error)
}
`

/** A built page, served with a hive beside it. */
export interface VitePage {
  readonly url: string
  close(): Promise<void>
}

/** Builds the page in a project that has the package installed, and serves it. */
export async function servePageOfVite(project: string): Promise<VitePage> {
  const root = join(project, 'page')
  mkdirSync(root)
  writeFileSync(join(root, 'index.html'), '<title></title><script type="module" src="/main.js"></script>')
  writeFileSync(join(root, 'main.js'), MAIN)
  // A service worker controls everything below its folder. Its script lies beside the page, so that includes the page.
  await build({ root, configFile: false, logLevel: 'warn', build: { assetsDir: '', target: 'esnext' } })

  const hive = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())), { base: '/hive/' })
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    fetch: (request) => {
      const { pathname } = new URL(request.url)
      return pathname.startsWith('/hive/') ? hive(request) : fileResponse(join(root, 'dist'), pathname)
    },
  })
  await server.ready()
  return { url: server.url!, close: () => server.close(true) }
}

function fileResponse(folder: string, pathname: string): Response {
  const path = pathname === '/' ? '/index.html' : pathname
  const type = extname(path) === '.js' ? 'text/javascript' : 'text/html'
  try {
    return new Response(readFileSync(join(folder, path)), { headers: { 'Content-Type': type } })
  } catch {
    return new Response(null, { status: 404 })
  }
}
