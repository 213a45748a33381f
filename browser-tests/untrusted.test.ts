import { afterAll, describe, expect, inject, it } from 'vitest'
import { commands, server } from 'vitest/browser'
import { bytesSource } from '../src/bytes/byte-source.ts'
import { HttpHive } from '../src/http.ts'
import { wholeOr } from '../node-tests/support/sample.ts'
import { soon } from '../node-tests/support/streams.ts'

/** A hive that pages of every origin may write to: a script shows that it ran by storing an entry. */
const hiveUrl = inject('hiveUrl')
const hive = new HttpHive(hiveUrl)
const PREFIX = crypto.randomUUID()

/** A script that writes the entry `mark`. The `load` event of its document waits for it. */
function writing(mark: string): string {
  const url = JSON.stringify(new URL(mark, hiveUrl).href)
  return `const request = new XMLHttpRequest(); request.open('PUT', ${url}, false); request.send('ran')`
}

const DOCUMENTS = {
  html: (script: string) => `<!doctype html><title>x</title><body><script>${script}</script>`,
  svg: (script: string) => `<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[${script}]]></script></svg>`,
  xhtml: (script: string) =>
    `<html xmlns="http://www.w3.org/1999/xhtml"><body><script><![CDATA[${script}]]></script></body></html>`,
} as const

/** Uploads, and the browsers that run them if nothing prevents it. */
const UPLOADS: [keyof typeof DOCUMENTS, type: string, runsIn: readonly string[]][] = [
  ['html', 'text/html', ['chromium', 'firefox', 'webkit']],
  ['svg', 'image/svg+xml', ['chromium', 'firefox', 'webkit']],
  ['xhtml', 'application/xhtml+xml', ['chromium', 'firefox', 'webkit']],
  ['svg', 'text/xml', ['chromium', 'firefox', 'webkit']],
  ['html', 'video/mp4, text/html', ['chromium', 'firefox']],
  ['html', 'video/mp4,text/html', ['chromium', 'firefox']],
  ['html', 'audio/mpeg, video/mp4, text/html', ['chromium', 'firefox']],
  ['svg', 'audio/mpeg, image/svg+xml', ['chromium', 'firefox']],
  ['html', "video/mp4; x=', text/html", ['chromium', 'firefox']],
  ['html', 'video/mp4; x=", text/html', []],
  ['html', 'video/mp4; codecs="a, text/html"', []],
  ['html', 'text/html, video/mp4', []],
  ['html', 'video/mp4', []],
  ['html', 'text/plain', []],
]

let count = 0

/** Opens an upload below `base` in a frame, and returns whether its script ran. */
async function runs(kind: keyof typeof DOCUMENTS, type: string, base: string): Promise<boolean> {
  const alias = `${PREFIX}/${count++}`
  const mark = `${alias}-ran`
  const bytes = new TextEncoder().encode(DOCUMENTS[kind](writing(mark)))
  await bytesSource(bytes).stream().pipeTo(hive.sink(alias, { type }))
  const frame = document.createElement('iframe')
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  frame.src = new URL(`${base}${alias}`, hiveUrl).href
  document.body.append(frame)
  try {
    await soon(loaded, 'the document')
    const { entries } = await hive.list({ prefix: mark })
    return entries.length > 0
  } finally {
    frame.remove()
  }
}

afterAll(async () => {
  const { entries } = await hive.list({ prefix: PREFIX })
  for (const { alias } of entries) await hive.remove(alias)
})

describe('an uploaded document', () => {
  for (const [kind, type, runsIn] of UPLOADS) {
    it(`does not run its script: ${kind} as ${type}`, async () => {
      expect(await runs(kind, type, '')).toBe(false)
      // The same upload without the header field that prevents it from running.
      expect(await runs(kind, type, '-/unguarded/')).toBe(runsIn.includes(server.browser))
    })
  }
})

describe('a video that is opened by its own URL', () => {
  // A window takes a second of CPU time.
  for (const alias of wholeOr(['comb.mp4', 'comb.webm'], ['comb.mp4'])) {
    it.runIf(server.browser === 'chromium')(`plays: ${alias}`, async () => {
      expect(await commands.playUrl(new URL(alias, inject('combUrl')).href)).toBe('plays')
    })
  }
})
