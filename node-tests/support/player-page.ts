import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { HttpHive } from '../../src/http.ts'
import { type PlayerServer, startPlayer } from './player-server.ts'
import { sharedChromium } from './shared-chromium.ts'

/** The example player in Chromium, with its own server and hive. */
export interface PlayerPage {
  readonly page: Page
  readonly server: PlayerServer
  /** The hive that the page shows. */
  readonly hive: HttpHive
  /** A folder for files. It is removed when the page is closed. */
  readonly folder: string
  /** What the page logs to the console: uncaught errors, and violations of its security policy. */
  readonly complaints: string[]
  /** Closes the page, and ends the server. */
  close(): Promise<void>
}

/** Starts the example server, and opens its page once `prepare` has filled the hive, which is in a directory. */
export async function openPlayerPage(prepare?: (directory: string) => Promise<void>): Promise<PlayerPage> {
  const folder = mkdtempSync(join(tmpdir(), 'combstream-'))
  const directory = join(folder, 'hive')
  const server = await startPlayer(directory)
  const hive = new HttpHive(`${server.url}hive/`)
  await prepare?.(directory)
  const page = await (await sharedChromium()).newPage({ viewport: { width: 640, height: 480 } })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // The page sends a HEAD for an entry that does not exist yet.
    if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text())
  })
  await page.goto(server.url)
  const close = async (): Promise<void> => {
    await page.close()
    server.child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  return { page, server, hive, folder, complaints, close }
}

/** A file that a test drops on the page. */
export interface DroppedFile {
  readonly name: string
  readonly type?: string
  /** Its text, or its number of zero bytes. */
  readonly content: string | number
}

/** Drops files on the page. */
export async function dropFiles(page: Page, files: readonly DroppedFile[]): Promise<void> {
  await page.evaluate((dropped) => {
    const dataTransfer = new DataTransfer()
    for (const { name, type = '', content } of dropped) {
      const bytes = typeof content === 'number' ? new Uint8Array(content) : content
      dataTransfer.items.add(new File([bytes], name, { type }))
    }
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  }, files)
}
