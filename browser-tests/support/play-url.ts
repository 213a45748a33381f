import type { BrowserCommand } from 'vitest/node'

declare module 'vitest/browser' {
  interface BrowserCommands {
    playUrl: (url: string) => Promise<string>
  }
}

/** Far above what a browser takes to play on. */
const HANG_MS = 30_000
const POLL_MS = 50

/**
 * Opens a URL in a window of its own, as a user does who follows a link to a video, and has it play: tells `plays` when
 * it does, or what keeps it from it. Only where playwright drives the browser.
 */
export const playUrl: BrowserCommand<[url: string]> = async ({ context }, url) => {
  const page = await context.newPage()
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
