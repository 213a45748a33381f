import type { TestProject } from 'vitest/node'
import { serve } from 'srvx'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler } from '../../src/http/handler.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Root of a hive that this run's tests may fill, with a trailing slash; their aliases must not collide. */
    hiveUrl: string
  }
}

/** Starts the server before a project's first test file, in the process of the runner, so on the runtime under test. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const hive = new LocalHive(new StreamStore(memoryBackend()))
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    // Browser tests come from the origin of their runner.
    fetch: createHiveHandler(hive, { cors: '*', onError: (error) => console.error('hive server:', error) }),
  })
  await server.ready()
  project.provide('hiveUrl', server.url!)
  return () => server.close(true)
}
