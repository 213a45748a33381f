import { afterEach, expect, it, vi } from 'vitest'
import { answerWriteRequests } from '../src/backends/opfs/answer-write-requests.ts'

type Outcome = 'written' | 'exists' | { name: string }

/** Stands for a directory with one file, of this length. `write` does what the file does when it gets bytes. */
class OneFile {
  isOpen = false
  isRemoved = false
  readonly #size: number
  readonly #write: (bytes: Uint8Array) => number

  constructor(size: number, write: (bytes: Uint8Array) => number) {
    this.#size = size
    this.#write = write
  }

  async getFileHandle(): Promise<unknown> {
    return { createSyncAccessHandle: async () => this.#open() }
  }

  async removeEntry(): Promise<void> {
    if (this.isOpen) throw new DOMException('the file is open', 'NoModificationAllowedError')
    this.isRemoved = true
  }

  #open(): unknown {
    this.isOpen = true
    return { getSize: () => this.#size, write: this.#write, close: () => void (this.isOpen = false) }
  }
}

/** Answers a request in this thread in place of a worker. */
async function outcomeOf(directory: OneFile): Promise<Outcome> {
  let send: ((message: { data: unknown }) => void) | undefined
  vi.stubGlobal('addEventListener', (_: string, listener: typeof send) => (send = listener))
  const outcome = new Promise<Outcome>((resolve) => {
    vi.stubGlobal('postMessage', (reply: { kind: string; outcome: Outcome }) => {
      if (reply.kind === 'done') resolve(reply.outcome)
    })
  })
  answerWriteRequests()
  send!({ data: { number: 0, slot: 0, directory, name: 'o.0011', bytes: new Uint8Array(9) } })
  return outcome
}

afterEach(() => {
  vi.unstubAllGlobals()
})

it.each([
  ['takes only a part', () => 1],
  ['takes only a part, and says that as Chromium does', () => 2 ** 32 - 8],
  [
    'fails',
    () => {
      throw new DOMException('no space', 'QuotaExceededError')
    },
  ],
])('the worker that writes files leaves none that %s', async (_, write) => {
  const directory = new OneFile(0, write)
  expect(await outcomeOf(directory)).toMatchObject({ name: 'QuotaExceededError' })
  expect(directory).toMatchObject({ isOpen: false, isRemoved: true })
})

it('the worker that writes files keeps one that it has written, or that has bytes', async () => {
  const whole = new OneFile(0, ({ byteLength }) => byteLength)
  expect(await outcomeOf(whole)).toBe('written')
  const other = new OneFile(1, () => expect.unreachable('it writes to a file that has bytes'))
  expect(await outcomeOf(other)).toBe('exists')
  for (const directory of [whole, other]) expect(directory).toMatchObject({ isOpen: false, isRemoved: false })
})
