import { createSHA256 } from 'hash-wasm'
import type { HashReply, HashRequest } from './hash-messages.ts'

/** The parts of `DedicatedWorkerGlobalScope` used here. TypeScript's `dom` library does not declare it. */
interface WorkerScope {
  postMessage(message: HashReply, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: HashRequest }) => void): void
}

/** Computes the hashes of a `HashThread` inside a worker. Each is known by a number. */
export async function answerHashRequests(): Promise<void> {
  const scope = globalThis as unknown as WorkerScope
  const hash = await createSHA256()
  const states = new Map<number, Uint8Array>()

  scope.addEventListener('message', ({ data }) => {
    const { number } = data
    switch (data.kind) {
      case 'begin':
        states.set(number, data.state)
        break
      case 'update': {
        const { bytes } = data
        states.set(number, hash.load(states.get(number)!).update(bytes).save())
        scope.postMessage({ kind: 'taken', number, byteLength: bytes.byteLength, bytes }, [bytes.buffer])
        break
      }
      case 'end': {
        const digest = new Uint8Array(hash.load(states.get(number)!).digest('binary'))
        states.delete(number)
        scope.postMessage({ kind: 'digest', number, digest }, [digest.buffer])
        break
      }
      case 'discard':
        states.delete(number)
    }
  })
  scope.postMessage({ kind: 'ready', state: hash.init().save() }, [])
}
