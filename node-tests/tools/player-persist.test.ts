import type { BrowserContext, Page } from 'playwright'
import { expect, it, onTestFinished } from 'vitest'
import { sharedChromium } from '../support/shared-chromium.ts'
import { usePlayer } from '../support/use-player.ts'

const player = usePlayer()

it('the example player asks the browser to keep its hive only when the user says so, and shows what it answers', async () => {
  const browser = await sharedChromium()
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  let asked = 0
  await page.exposeFunction('countAsking', () => void asked++)
  await page.addInitScript(() => {
    const { persist } = StorageManager.prototype
    StorageManager.prototype.persist = async function () {
      await (globalThis as unknown as { countAsking: () => Promise<void> }).countAsking()
      return persist.call(this)
    }
  })
  await page.goto(`${player.url}local/`)
  const keep = page.getByRole('button', { name: 'Keep it when space is short' })
  await keep.waitFor()
  expect(await isPersisted(page)).toBe(false)
  expect(asked).toBe(0)

  // Chromium does not ask the user, and refuses sites that it does not know.
  await keep.click()
  await page.getByText('it may delete it when space is short').waitFor()
  expect(await keep.isVisible()).toBe(true)

  await allow(context, page)
  await keep.click()
  await page.getByText('This browser will not delete the hive by itself').waitFor()
  expect(await keep.isVisible()).toBe(false)
  expect(await isPersisted(page)).toBe(true)
  expect(asked).toBe(2)

  await page.reload()
  await page.getByText(/in 0 blocks/).waitFor()
  expect(await keep.isVisible()).toBe(false)
})

function isPersisted(page: Page): Promise<boolean> {
  return page.evaluate(() => navigator.storage.persisted())
}

/** Grants what a browser grants to sites that it knows well. */
async function allow(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page)
  const { targetInfo } = await session.send('Target.getTargetInfo')
  const { origin } = new URL(player.url)
  await session.send('Browser.grantPermissions', {
    browserContextId: targetInfo.browserContextId!,
    origin,
    permissions: ['durableStorage'],
  })
}
