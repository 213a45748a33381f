import { readFile } from 'node:fs/promises'
import { bytesSource, DeltaStream, loadSignature, PatchStream, SignatureStream, type SumName } from 'combstream'
import { fileSource } from 'combstream/platform'
import { drain } from '../drain.ts'
import { bareChain } from './bare-jobs.ts'
import { chain } from './chain.ts'
import { diffFile, patchFile, signFile } from './file-jobs.ts'

/** The job of one of our processes, as JSON. All names are file paths. */
export type OwnJob =
  | { readonly kind: 'idle' }
  | SignatureRun
  | DeltaRun
  | PatchRun
  | {
      readonly kind: 'chain' | 'bare chain'
      readonly signature: string
      readonly basis: string
      readonly edited: string
    }

/** `job`: driven by hand over reused buffers, as rdiff drives librsync's jobs. `streams`: as streams. */
interface Run {
  readonly as: 'job' | 'streams'
}

interface SignatureRun extends Run {
  readonly kind: 'signature'
  readonly source: string
  readonly sum: SumName
}

interface PatchRun extends Run {
  readonly kind: 'patch'
  readonly basis: string
  readonly delta: string
}

interface DeltaRun extends Run {
  readonly kind: 'delta'
  readonly signature: string
  readonly edited: string
  readonly mode: 'compat' | 'compact'
  readonly literalLimit: number
}

/** Receives a piece of the result. */
export type Take = (chunk: Uint8Array) => void

/** The work to be measured, once everything is loaded. It passes its result to `take`. */
export type Work = (take: Take) => Promise<void>

/** Prepares a job. Like rdiff, a delta reads and indexes its signature every time. */
export async function prepare(job: OwnJob): Promise<Work> {
  switch (job.kind) {
    case 'idle':
      return () => Promise.resolve()
    case 'signature': {
      const source = await fileSource(job.source)
      const options = { sourceLength: source.size, sum: job.sum }
      if (job.as === 'job') return (take) => signFile(job.source, options, take)
      return (take) => drain(source.stream().pipeThrough(new SignatureStream(options)), take)
    }
    case 'delta': {
      const [signatureFile, edited] = [await fileSource(job.signature), await fileSource(job.edited)]
      const options = { literalLimit: job.literalLimit, mode: job.mode }
      if (job.as === 'job') return (take) => diffFile(job.signature, job.edited, options, take)
      return async (take) => {
        const signature = await loadSignature(signatureFile.stream())
        await drain(edited.stream().pipeThrough(new DeltaStream(signature, options)), take)
      }
    }
    case 'patch': {
      if (job.as === 'job') return (take) => patchFile(job.basis, job.delta, take)
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
