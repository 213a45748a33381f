import { readFile } from 'node:fs/promises'
import { bytesSource, DeltaStream, loadSignature, PatchStream, SignatureStream, type SumName } from 'combstream'
import { fileSource } from 'combstream/backends/directory'
import { drain } from '../drain.ts'
import { bareChain } from './bare-jobs.ts'
import { chain } from './chain.ts'

/** What a process of ours does, as JSON; all names are paths of files. */
export type OwnJob =
  | { readonly kind: 'idle' }
  | { readonly kind: 'signature'; readonly source: string; readonly sum: SumName }
  | DeltaRun
  | { readonly kind: 'patch'; readonly basis: string; readonly delta: string }
  | {
      readonly kind: 'chain' | 'bare chain'
      readonly signature: string
      readonly basis: string
      readonly edited: string
    }

interface DeltaRun {
  readonly kind: 'delta'
  readonly signature: string
  readonly edited: string
  readonly mode: 'compat' | 'compact'
  readonly literalLimit: number
}

/** Takes a piece of the result. */
export type Take = (chunk: Uint8Array) => void

/** What is to be measured, once everything has been loaded: does the work and gives the result to `take`. */
export type Work = (take: Take) => Promise<void>

/** Prepares a job. From file to nothing, as rdiff does it, so a delta reads and indexes its signature every time. */
export async function prepare(job: OwnJob): Promise<Work> {
  switch (job.kind) {
    case 'idle':
      return () => Promise.resolve()
    case 'signature': {
      const source = await fileSource(job.source)
      const options = { sourceLength: source.size, sum: job.sum }
      return (take) => drain(source.stream().pipeThrough(new SignatureStream(options)), take)
    }
    case 'delta': {
      const [signatureFile, edited] = [await fileSource(job.signature), await fileSource(job.edited)]
      const options = { literalLimit: job.literalLimit, mode: job.mode }
      return async (take) => {
        const signature = await loadSignature(signatureFile.stream())
        await drain(edited.stream().pipeThrough(new DeltaStream(signature, options)), take)
      }
    }
    case 'patch': {
      const [basis, delta] = [await fileSource(job.basis), await fileSource(job.delta)]
      return (take) => drain(delta.stream().pipeThrough(new PatchStream(basis)), take)
    }
    default: {
      const [signatureBytes, basis, edited] = await Promise.all(
        [job.signature, job.basis, job.edited].map((path) => readFile(path)),
      )
      const run = job.kind === 'chain' ? chain : bareChain
      return async (take) => {
        const signature = await loadSignature(bytesSource(signatureBytes!).stream())
        await run({ signature, basis: basis!, edited: edited! }, take)
      }
    }
  }
}
