import type { TestProject } from 'vitest/node'
import { serve } from 'srvx'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http/handler.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * Root of a hive that this run's tests share, with a trailing slash. Below it, `-/hives/<any name>/` is a hive of
     * its own, which is there, empty, once it is asked for; its blocks are 1,000 bytes.
     */
    hiveUrl: string
  }
}

const OWN_HIVE = /^\/-\/hives\/[^/]+\//

/** Starts the server before a project's first test file, in the process of the runner, so on the runtime under test. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const handlers = new Map<string, ReturnType<typeof createHiveHandler>>()
  const handlerAt = (base: string): ReturnType<typeof createHiveHandler> => {
    const store = new StreamStore(memoryBackend(), base === '/' ? {} : { blockSize: 1_000 })
    const handler =
      handlers.get(base) ??
      createHiveHandler(new LocalHive(store), {
        base,
        // Browser tests come from the origin of their runner.
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
    fetch: (request) => handlerAt(OWN_HIVE.exec(new URL(request.url).pathname)?.[0] ?? '/')(request),
  })
  await server.ready()
  project.provide('hiveUrl', server.url!)
  return () => server.close(true)
}
