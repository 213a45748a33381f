import { openUrl } from 'combstream/http'
import { describeMedia } from './describe-media.ts'
import { drawFrames } from './draw-frames.ts'
import { openMedia } from './open-media.ts'

const FRAMES = 12
const FRAME_PIXELS = 320

const form = document.querySelector('form')!
const field = document.querySelector('input')!
const status = document.querySelector('output')!
const about = document.querySelector('#about')!
const frames = document.querySelector('#frames')!

/** Ends what the last submission began. */
let current = new AbortController()

form.addEventListener('submit', (event) => {
  event.preventDefault()
  current.abort()
  current = new AbortController()
  void show(field.value, current.signal)
})
form.requestSubmit()

/** Shows what a file says of itself, and frames of its video. */
async function show(url: string, signal: AbortSignal): Promise<void> {
  about.replaceChildren()
  frames.replaceChildren()
  say('Opening …')
  let requested = 0
  try {
    const entry = await openUrl(url, {
      signal,
      async fetch(address, init) {
        const response = await fetch(address, init)
        requested += Number(response.headers.get('content-length'))
        return response
      },
    })
    const input = openMedia(entry)
    signal.addEventListener('abort', () => input.dispose(), { once: true })
    const lines = await describeMedia(input)
    signal.throwIfAborted()
    about.replaceChildren(...lines.map((text) => element('li', text)))
    for await (const frame of drawFrames(input, { count: FRAMES, width: FRAME_PIXELS })) {
      signal.throwIfAborted()
      const figure = element('figure', '')
      figure.append(frame.canvas, element('figcaption', `${frame.seconds.toFixed(1)} s`))
      frames.append(figure)
      say(`Requested ${kilobytes(requested)}; the file has ${kilobytes(entry.size)}.`)
    }
  } catch (error) {
    if (!signal.aborted) say(String(error), 'problem')
  }
}

function say(text: string, kind = ''): void {
  status.textContent = text
  status.className = kind
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000).toLocaleString('en')} kB`
}
