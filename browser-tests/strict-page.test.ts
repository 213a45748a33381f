import { expect, onTestFinished, test } from 'vitest'
import { soon } from '../node-tests/support/streams.ts'

test('a signature names the directive that it needs if a page may not compile WebAssembly', async () => {
  const told = new Promise((resolve) => {
    addEventListener('message', ({ data, source }) => source === frame.contentWindow && resolve(data))
  })
  const frame = document.createElement('iframe')
  frame.src = '/media-page/strict/strict.html'
  document.body.append(frame)
  onTestFinished(() => frame.remove())
  expect(await soon(told, 'the message of the page')).toContain("script-src must have 'wasm-unsafe-eval'")
})
