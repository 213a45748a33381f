import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The bundles that `npm run build` makes for browsers: one for pages, one for service workers. */
const BUNDLES: Readonly<Record<string, string>> = {
  '/combstream/page.js': '../../dist/browser/page.js',
  '/combstream/browser-hive.js': '../../dist/browser/browser-hive.js',
  '/combstream/sha256-worker.js': '../../dist/browser/sha256-worker.js',
  '/cache-worker.js': '../../dist/browser/cache-worker.js',
  '/browser-hive-worker.js': '../../dist/browser/browser-hive-worker.js',
}

const HEADERS = {
  'Cache-Control': 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  // Signatures are computed with WebAssembly; the package needs no other permission.
  'Content-Security-Policy':
    "default-src 'self'; img-src 'self' data:; script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'",
}

/** The same page once more, for a hive in the browser. A service worker has a folder of its own. */
const LOCAL = /^\/local(?=\/)/

/** Serves the files of the page, all of which are small. */
export function staticFiles(): (pathname: string) => Promise<Response> {
  return async (pathname) => {
    if (pathname === '/local') return new Response(null, { status: 308, headers: { Location: '/local/' } })
    const name = pathname.replace(LOCAL, '')
    const path = name === '/' ? '/index.html' : name
    const type = TYPES[extname(path)]
    const isOurs = path in BUNDLES || /^\/[\w-]+\.\w+$/.test(path)
    if (type === undefined || !isOurs) return notFound()
    try {
      const file = await readFile(new URL(BUNDLES[path] ?? `.${path}`, import.meta.url))
      return new Response(file, { headers: { ...HEADERS, 'Content-Type': type } })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return notFound()
      throw error
    }
  }
}

function notFound(): Response {
  return new Response('not found\n', { status: 404, headers: { ...HEADERS, 'Content-Type': 'text/plain' } })
}
