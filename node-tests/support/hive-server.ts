import type { TestProject } from 'vitest/node'
import { serve } from 'srvx'

declare module 'vitest' {
  interface ProvidedContext {
    /** Root of the server that this run's tests may talk to, with a trailing slash. */
    hiveUrl: string
  }
}

/** Starts the server before a project's first test file, in the process of the runner, so on the runtime under test. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = serve({
    hostname: '127.0.0.1',
    port: 0,
    silent: true,
    gracefulShutdown: false,
    fetch: () => new Response('not found', { status: 404, headers: { 'access-control-allow-origin': '*' } }),
  })
  await server.ready()
  project.provide('hiveUrl', server.url!)
  return () => server.close(true)
}
