import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Plugin } from 'vitest/config'

/**
 * Each name has its own folder with the page and its workers: a service worker controls everything below its folder,
 * and Chromium does not replace it while it feeds a video.
 */
const FOLDER = /^\/media-page\/[\w-]+\//

const BUNDLES: Readonly<Record<string, string>> = {
  'page.js': '../../src/browser/page.ts',
  'service-worker.js': '../../src/browser/service-worker.ts',
  'browser-hive.js': '../../src/browser/browser-hive.ts',
  'browser-hive-worker.js': '../../src/browser/browser-hive-worker.ts',
  'cache-worker.js': '../../src/browser/cache-worker.ts',
  'rsync-worker.js': '../../src/browser/rsync-worker.ts',
  'gated-worker.js': './gated-worker.ts',
  'observed-worker.js': './observed-worker.ts',
  'storing-worker.js': './storing-worker.ts',
  'strict-page.js': './strict-page.ts',
}

/** Before the name of a file: redirects to it. */
const MOVED = 'moved-'

const PAGE = `<!doctype html>
<title>media page</title>
<script type="module">
  import * as combstream from './page.js'
  globalThis.combstream = combstream
</script>
`

/** A page that may load its own scripts but may not compile WebAssembly. */
const STRICT_PAGE = `<!doctype html>
<meta http-equiv="Content-Security-Policy" content="script-src 'self'">
<script type="module" src="strict-page.js"></script>
`

/**
 * Serves, beside the tests, a page that loads combstream as one bundle, as a user's page does, and service workers for
 * it. Tests put the page in a frame and can reach into it, because it has their origin.
 */
export function mediaPage(): Plugin {
  const bundles = new Map<string, Promise<Uint8Array>>()
  return {
    name: 'combstream-media-page',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const { pathname } = new URL(request.url ?? '', 'http://localhost')
        const folder = FOLDER.exec(pathname)?.[0]
        const name = folder && pathname.slice(folder.length)
        if (name === '') {
          response.setHeader('Content-Type', 'text/html').end(PAGE)
        } else if (name === 'clear') {
          response.setHeader('Clear-Site-Data', '"storage"').end('What the browser has of this site is gone.')
        } else if (name === 'strict.html') {
          response.setHeader('Content-Type', 'text/html').end(STRICT_PAGE)
        } else if (name?.startsWith(MOVED)) {
          response.writeHead(302, { Location: name.slice(MOVED.length) }).end()
        } else if (name !== undefined && name in BUNDLES) {
          const bundling = bundles.get(name) ?? bundle(BUNDLES[name]!)
          bundles.set(name, bundling)
          bundling.then((text) => response.setHeader('Content-Type', 'text/javascript').end(text), next)
        } else {
          next()
        }
      })
    },
  }
}

async function bundle(entryPoint: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entryPoint, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    platform: 'browser',
  })
  return outputFiles[0]!.contents
}
