import type { TestProject } from 'vitest/node'
import { PostgresServer } from '../postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the server that all test files share. */
    postgresUrl: string
  }
}

/** Starts a server before the first test file, and ends it after the last one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await PostgresServer.start()
  project.provide('postgresUrl', server.url())
  return () => server.close()
}
