import { closeSync, openSync, readSync } from 'node:fs'
import {
  type Codec,
  DeltaJob,
  type DeltaOptions,
  LoadSignatureJob,
  loadKernel,
  PatchJob,
  SignatureJob,
  type SignatureOptions,
} from 'combstream'
import { fileSource } from 'combstream/platform'

type Take = (chunk: Uint8Array) => void

/** Size of the input and output buffers: at least two blocks even for a file of many GiB. */
const BUFFER_BYTES = 512 * 1024

/** Computes the signature of a file. */
export async function signFile(path: string, options: SignatureOptions, take: Take): Promise<void> {
  runJob(new SignatureJob(await loadKernel(), options), path, take)
}

/** Computes the delta to a file. The signature is read and indexed first. */
export async function diffFile(signature: string, edited: string, options: DeltaOptions, take: Take): Promise<void> {
  const loading = new LoadSignatureJob()
  runJob(loading, signature, take)
  runJob(new DeltaJob(loading.signature!, await loadKernel(), options), edited, take)
}

/** Applies a delta to a file. */
export async function patchFile(basis: string, delta: string, take: Take): Promise<void> {
  const job = new PatchJob((await fileSource(basis)).size)
  const buffer = new Uint8Array(BUFFER_BYTES)
  const file = openSync(basis, 'r')
  try {
    runJob(job, delta, take, () => {
      const { position, length } = job.request!
      job.supply(buffer.subarray(0, readSync(file, buffer, 0, Math.min(length, BUFFER_BYTES), position)))
    })
  } finally {
    closeSync(file)
  }
}

/** Runs a job over a file, with one buffer for all its input and one for all its output. */
function runJob(job: Codec, path: string, take: Take, serve: () => void = () => {}): void {
  const input = new Uint8Array(BUFFER_BYTES)
  const output = new Uint8Array(BUFFER_BYTES)
  const file = openSync(path, 'r')
  try {
    for (let [start, end] = [0, 0]; ;) {
      const { state, read, written } = job.iterate(input.subarray(start, end), output)
      take(output.subarray(0, written))
      start += read
      if (state === 'done') return
      if (state === 'waiting') serve()
      else if (written < BUFFER_BYTES && start === end) {
        ;[start, end] = [0, readSync(file, input)]
        if (end === 0) job.end()
      }
    }
  } finally {
    closeSync(file)
  }
}
