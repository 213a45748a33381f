/** The types of `vitest/browser`, which has none by itself: vitest looks for them in a package with a provider, and we have our own. */
export * from '@vitest/browser/context'
export type { BrowserCommands, CDPSession } from 'vitest/internal/browser'
