import { expect, onTestFinished, test } from 'vitest'
import { soon } from '../node-tests/support/streams.ts'

test('if a page may not compile WebAssembly, a signature names the directive that it needs, and reads are unchecked', async () => {
  const told = new Promise((resolve) => {
    addEventListener('message', ({ data, source }) => source === frame.contentWindow && resolve(data))
  })
  const frame = document.createElement('iframe')
  frame.src = '/media-page/strict/strict.html'
  document.body.append(frame)
  onTestFinished(() => frame.remove())
  const message = await soon(told, 'the message of the page')
  expect(message).toContain("script-src must have 'wasm-unsafe-eval'")
  expect(message).toMatch(/ buzz$/)
})
