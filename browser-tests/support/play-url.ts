import type { BrowserCommand } from 'vitest/node'
import type { ChromiumProvider } from './chromium-provider.ts'

declare module 'vitest/browser' {
  interface BrowserCommands {
    playUrl: (url: string) => Promise<string>
  }
}

/** Far longer than a browser needs to start playing. */
const HANG_MS = 30_000
const POLL_MS = 50

/**
 * Opens a URL in a window of its own, as a link to a video does, and plays it. Returns `plays`, or the reason why it
 * does not play. Works only in Chromium.
 */
export const playUrl: BrowserCommand<[url: string]> = async ({ provider }, url) => {
  const page = await (provider as ChromiumProvider).openWindow()
  try {
    await page.goto(url)
    const deadline = performance.now() + HANG_MS
    for (;;) {
      const found = await page.evaluate(() => {
        const video = document.querySelector('video')
        if (!video) return 'there is no <video>'
        if (video.error) return `media error ${video.error.code} ${video.error.message}`
        video.muted = true
        if (video.paused) video.play().catch(() => undefined)
        return video.currentTime > 0.5 ? 'plays' : undefined
      })
      if (found !== undefined) return found
      if (performance.now() > deadline) return 'does not play'
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    await page.close()
  }
}
