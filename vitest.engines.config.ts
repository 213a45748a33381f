// Runs tests with another engine in place of the memory backend: scripts/test-engines.mjs.
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import config from './vitest.config.ts'

const STAND_INS = fileURLToPath(new URL('node-tests/support/engines/', import.meta.url))
const engine = process.env['COMBSTREAM_ENGINE']
if (engine === undefined) throw new Error('COMBSTREAM_ENGINE names the engine')

export default defineConfig({
  test: {
    projects: (config.test!.projects as TestProjectInlineConfiguration[]).map((project) => ({
      ...project,
      plugins: [...(project.plugins ?? []), inPlaceOfMemory(`${STAND_INS}${engine}.ts`)],
      test: {
        ...project.test,
        // Its key does not tell the engines apart.
        fsModuleCache: false,
        // The engines' servers are started once for each worker.
        maxWorkers: 1,
        // Some tests open thousands of hives, which takes its time on a disk or a server: 10 minutes on an object store.
        testTimeout: 1_800_000,
        globalSetup: [
          project.test?.globalSetup ?? [],
          engine === 's3' ? `${STAND_INS}../object-gateway.ts` : [],
          engine === 'postgres' ? `${STAND_INS}postgres-setup.ts` : [],
        ].flat(),
      },
    })),
  },
})

/** What keeps the memory backend: the stand-ins, and what runs before the tests, outside of vitest's workers. */
const SETUP = /\/(hive-server|object-gateway|engines\/[\w-]+)\.ts$/

/** Resolves the memory backend to another module, wherever tests import it. */
function inPlaceOfMemory(standIn: string): Plugin {
  return {
    name: 'in-place-of-memory',
    enforce: 'pre',
    resolveId: (source, importer = '') =>
      source.endsWith('/backends/memory.ts') && importer.includes('/node-tests/') && !SETUP.test(importer)
        ? standIn
        : undefined,
  }
}
