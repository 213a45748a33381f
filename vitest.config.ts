// The projects can run all of these tests. `npm test` runs each folder of them where its name says:
//   node-tests/simulated once: memory, clock, faults and the order of calls are the test's
//   node-tests/language  one runtime of each JavaScript engine: nothing but the language matters
//   node-tests/portable  every host: streams, fetch, timers, cryptography and whatever else hosts differ in
//   node-tests/server    Node, Deno, Bun          node-tests/tools  once          browser-tests  the three browsers
// scripts/suites.mjs has the table; docs/architecture.md says how to choose a folder.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BrowserProviderOption } from 'vitest/node'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { chromium } from './browser-tests/support/chromium-provider.ts'
import { combLog } from './browser-tests/support/comb-server.ts'
import { firefox } from './browser-tests/support/firefox-provider.ts'
import { mediaPage } from './browser-tests/support/media-page.ts'
import { playUrl } from './browser-tests/support/play-url.ts'
import { webkitgtk } from './browser-tests/support/webkitgtk-provider.ts'
import { LongestFirst } from './node-tests/support/longest-first.ts'
import type { Share } from './node-tests/support/sample.ts'
import { FOLDERS } from './scripts/suites.mjs'

const testsOf = (folder: keyof typeof FOLDERS): string => `${FOLDERS[folder]}/**/*.test.ts`
/** What every runtime can run. */
const anywhere = [testsOf('simulated'), testsOf('language'), testsOf('portable')]

/** Tests may write `combstream/…` as a user does; they get the sources, so that no test runs against a stale build. */
const alias = Object.entries(
  (JSON.parse(readFileSync(new URL('jsr.json', import.meta.url), 'utf8')) as { exports: Record<string, string> })
    .exports,
).map(([key, path]) => ({
  find: new RegExp(`^combstream${key.slice(1)}$`),
  replacement: fileURLToPath(new URL(path, import.meta.url)),
}))

/** Which of the cases of long tests this suite runs. All, if it is run by hand. */
const shares = JSON.parse(process.env['COMBSTREAM_SHARES'] ?? '{}') as Record<string, Share>

/** Whether `npm test` runs all cases of long tests, which takes ten times as long. */
const isWhole = process.env['COMBSTREAM_WHOLE'] === 'true'

const common = {
  provide: { shares },
  globalSetup: ['node-tests/support/hive-server.ts'],
  setupFiles: ['node-tests/support/compare-bytes.ts', 'node-tests/support/tell-dealt.ts'],
  // They end what hangs. What takes long is no failure: how fast something is, only bench/ tells.
  testTimeout: isWhole ? 600_000 : 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 30_000 } },
  // The suites of npm test, and its next run, transform a module once.
  fsModuleCache: true,
  // A process or page for each file would take a third of the whole time; the files leave nothing behind.
  isolate: false,
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { resolve: { alias }, test: { ...common, name: 'node', include: [...anywhere, testsOf('server')] } },
      {
        resolve: { alias },
        test: {
          ...common,
          globalSetup: [
            ...common.globalSetup,
            'node-tests/support/current-build.ts',
            'node-tests/support/object-gateway.ts',
          ],
          name: 'tools',
          include: [testsOf('tools')],
        },
      },
      {
        resolve: { alias },
        test: {
          ...common,
          name: 'polyfill',
          include: anywhere,
          setupFiles: ['node-tests/support/streamless-host.ts', ...common.setupFiles],
          sequence: { setupFiles: 'list' },
        },
      },
      browser('chromium', chromium()),
      browser('firefox', firefox()),
      browser('webkit', webkitgtk()),
    ],
  },
})

function browser(
  name: 'chromium' | 'firefox' | 'webkit',
  provider: BrowserProviderOption,
): TestProjectInlineConfiguration {
  return {
    resolve: { alias },
    plugins: [mediaPage()],
    // Named here because a dependency that vite discovers during a test reloads the page under that test.
    optimizeDeps: { include: ['aws4fetch', 'fast-check', 'hash-wasm', 'mediabunny', 'web-streams-polyfill'] },
    test: {
      ...common,
      globalSetup: [
        ...common.globalSetup,
        'browser-tests/support/comb-server.ts',
        'browser-tests/support/watched-hive.ts',
      ],
      name,
      api: { host: '127.0.0.1' },
      include: [...anywhere, testsOf('browser-tests')],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider,
        commands: { combLog, playUrl },
        instances: [{ browser: name }],
      },
    },
  }
}
