import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import type { BrowserProviderOption } from 'vitest/node'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { combLog } from './browser-tests/support/comb-server.ts'
import { mediaPage } from './browser-tests/support/media-page.ts'
import { playUrl } from './browser-tests/support/play-url.ts'
import { webkitgtk } from './browser-tests/support/webkitgtk-provider.ts'
import type { Share } from './node-tests/support/sample.ts'
import { CHROMIUM_LAUNCH } from './scripts/chromium.mjs'
import { FIREFOX_LAUNCH } from './scripts/firefox.mjs'

const portable = 'node-tests/portable/**/*.test.ts'

/** Tests may write `combstream/…` as a user does; they get the sources, so that no test runs against a stale build. */
const alias = Object.entries(
  (JSON.parse(readFileSync(new URL('jsr.json', import.meta.url), 'utf8')) as { exports: Record<string, string> })
    .exports,
).map(([key, path]) => ({
  find: new RegExp(`^combstream${key.slice(1)}$`),
  replacement: fileURLToPath(new URL(path, import.meta.url)),
}))

/** Which of the cases of long tests this suite runs, such as `2,3/10`: parts 2 and 3 of 10. All, if it is run by hand. */
const [parts = '', of = ''] = (process.env['COMBSTREAM_SHARE'] ?? '0/1').split('/')
const share: Share = { of: Number(of), parts: parts.split(',').map(Number) }

const common = {
  provide: { share },
  globalSetup: ['node-tests/support/hive-server.ts'],
  setupFiles: ['node-tests/support/compare-bytes.ts'],
  // They end what hangs. What takes long is no failure: how fast something is, only bench/ tells.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 30_000 } },
  // A process or page for each file would take a third of the whole time; the files leave nothing behind.
  isolate: false,
}

export default defineConfig({
  test: {
    projects: [
      { resolve: { alias }, test: { ...common, name: 'node', include: [portable, 'node-tests/server/**/*.test.ts'] } },
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
          include: ['node-tests/tools/**/*.test.ts'],
        },
      },
      { resolve: { alias }, test: { ...common, name: 'portable', include: [portable] } },
      {
        resolve: { alias },
        test: {
          ...common,
          name: 'polyfill',
          include: [portable],
          setupFiles: ['node-tests/support/streamless-host.ts', ...common.setupFiles],
          sequence: { setupFiles: 'list' },
        },
      },
      browser('chromium', playwright({ launchOptions: CHROMIUM_LAUNCH })),
      browser('firefox', playwright({ launchOptions: FIREFOX_LAUNCH })),
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
      globalSetup: [...common.globalSetup, 'browser-tests/support/comb-server.ts'],
      name,
      api: { host: '127.0.0.1' },
      include: [portable, 'browser-tests/**/*.test.ts'],
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
