import type { TestProject } from 'vitest/node'
import { serve } from 'srvx'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http/server/handler.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * Root URL of a hive that the tests of this run share, with a trailing slash. Below it, `-/hives/<any name>/` is a
     * separate hive, which is created empty on the first request. Its blocks are 1,000 bytes. `-/moved/<status>/`
     * redirects every request, with that status, to a page that answers 200 with an etag. `-/unguarded/` serves the
     * shared hive without the Content-Security-Policy that keeps uploads from running.
     */
    hiveUrl: string
  }
}

const MOVED = /^\/-\/moved\/(\d+)\//
const OWN_HIVE = /^\/-\/hives\/[^/]+\//
const UNGUARDED = '/-/unguarded/'

const PAGE = '/-/page'
const ANY_ORIGIN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Allow-Methods': '*',
  'Access-Control-Expose-Headers': '*',
}

/** Redirects a request once its body has arrived. Answers a preflight normally. */
async function redirect(request: Request, status: number): Promise<Response> {
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: ANY_ORIGIN })
  await request.arrayBuffer()
  return new Response(null, { status, headers: { ...ANY_ORIGIN, Location: PAGE } })
}

function page({ method }: Request): Response {
  const text = '<h1>Welcome</h1>'
  const headers = { ...ANY_ORIGIN, ETag: '"page"', 'Content-Length': String(text.length) }
  return new Response(method === 'HEAD' ? null : text, { headers })
}

/** Returns an answer without its Content-Security-Policy. */
async function unguarded(answer: Promise<Response>): Promise<Response> {
  const { body, status, headers: guarded } = await answer
  const headers = new Headers(guarded)
  headers.delete('Content-Security-Policy')
  return new Response(body, { status, headers })
}

/** Starts the server before a project's first test file, in the runner's process, so on the runtime under test. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const handlers = new Map<string, ReturnType<typeof createHiveHandler>>()
  const handlerAt = (base: string): ReturnType<typeof createHiveHandler> => {
    const store = new StreamStore(memoryBackend(), base === '/' ? {} : { blockSize: 1_000 })
    const handler =
      handlers.get(base) ??
      createHiveHandler(new LocalHive(store), {
        base,
        // Browser tests have the origin of their runner.
        cors: '*',
        onError: (error) => console.error('hive server:', error),
      })
    handlers.set(base, handler)
    return handler
  }
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    fetch(request) {
      const { pathname } = new URL(request.url)
      const status = MOVED.exec(pathname)?.[1]
      if (status !== undefined) return redirect(request, Number(status))
      if (pathname === PAGE) return page(request)
      if (pathname.startsWith(UNGUARDED)) {
        return unguarded(handlerAt('/')(new Request(request.url.replace(UNGUARDED, '/'))))
      }
      return handlerAt(OWN_HIVE.exec(pathname)?.[0] ?? '/')(request)
    },
  })
  await server.ready()
  project.provide('hiveUrl', server.url!)
  return () => server.close(true)
}
