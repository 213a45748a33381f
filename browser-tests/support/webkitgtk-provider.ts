import { defineBrowserProvider } from '@vitest/browser'
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node'
import { WebKitGtk } from './webkitgtk.ts'

declare module 'vitest/browser' {
  interface BrowserCommands {
    __vitest_viewport: () => Promise<void>
  }
}

/** A vitest browser provider over {@linkcode WebKitGtk}. */
class WebKitGtkProvider implements BrowserProvider {
  readonly name = 'webkitgtk'
  readonly supportsParallelism = false
  readonly initScripts: string[] = []
  /** Without a graphics card, drawing takes much less CPU time if it does not go through OpenGL. */
  readonly #browser = new WebKitGtk({ WEBKIT_DISABLE_COMPOSITING_MODE: '1' })

  constructor(project: TestProject) {
    // vitest 5 asks for the viewport before each file; MiniBrowser's window keeps its size.
    project.browser?.registerCommand('__vitest_viewport', () => Promise.resolve())
  }

  getCommandsContext(): Record<string, unknown> {
    return {}
  }

  openPage(_sessionId: string, url: string): Promise<void> {
    return this.#browser.open(url)
  }

  close(): Promise<void> {
    return this.#browser.close()
  }
}

/** WebKitGTK behind vitest's browser mode; needs Debian's `webkit2gtk-driver` and `xvfb`. */
export function webkitgtk(): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'webkitgtk',
    options: {},
    providerFactory: (project) => new WebKitGtkProvider(project),
  })
}
