// What page.js has, and what a page needs to keep a hive in the browser, as one file: the bundle dist/browser/browser-hive.js.
export * from './page.ts'
export { browserBackend } from '../backends/browser.ts'
export { LocalHive } from '../hive/local-hive.ts'
export { StreamStore } from '../store/stream-store.ts'
