import { DeltaStream } from '../rsync/delta-stream.ts'
import { loadSignature } from '../rsync/load-signature.ts'
import { PatchStream } from '../rsync/patch-stream.ts'
import { SignatureStream } from '../rsync/signature-stream.ts'
import type { SumName } from '../rsync/sums.ts'
import type { RdiffOptions } from './rdiff-arguments.ts'
import { RDIFF_EXIT, RdiffError } from './rdiff-error.ts'
import { openBasis, openRdiffInput, prepareOutput } from './rdiff-files.ts'
import { deltaLine, loadLine, patchLine, signatureLine } from './rdiff-statistics.ts'

/** Does the work of an action, and gives the lines that tell what it counted. */
type RdiffJob = (files: readonly string[], options: RdiffOptions, signal: AbortSignal) => Promise<readonly string[]>

const STRONG_SUMS = new Map<string, 'blake2b' | 'md4'>([
  ['blake2', 'blake2b'],
  ['md4', 'md4'],
])
const WEAK_SUMS: readonly ('rabinkarp' | 'rollsum')[] = ['rabinkarp', 'rollsum']

/**
 * Larger than the library takes from anybody, because here the user names the file: a delta holds two blocks. The
 * number of blocks needs no bound, as what it takes grows with what is read.
 */
const LIMITS = { blockLength: 256 * 1024 * 1024, blockCount: 2 ** 32 - 1 }

const signatureJob: RdiffJob = async ([basis = '-', signature = '-'], options, signal) => {
  const input = await openRdiffInput(basis, options)
  const output = await prepareOutput(signature, options, signal)
  const { blockSize, sumSize } = options
  const job = new SignatureStream({
    blockLength: blockSize === 0 ? undefined : blockSize,
    strongLength: sumSize === 0 ? 'max' : sumSize === -1 ? 'min' : sumSize,
    sourceLength: input.size,
    sum: sumOf(options),
  })
  await output.take(input.stream, job)
  return [signatureLine(job.statistics)]
}

const deltaJob: RdiffJob = async ([signature = '-', newFile = '-', delta = '-'], options, signal) => {
  const signatureInput = await openRdiffInput(signature, options)
  const input = await openRdiffInput(newFile, options)
  const output = await prepareOutput(delta, options, signal)
  const startTime = Date.now()
  const loaded = await loadSignature(signatureInput.stream, { limits: LIMITS, signal })
  const loading = loadLine(loaded, { startTime, endTime: Date.now() })
  const job = new DeltaStream(loaded)
  await output.take(input.stream, job)
  return [loading, deltaLine(job.statistics)]
}

const patchJob: RdiffJob = async ([basis = '-', delta = '-', newFile = '-'], options, signal) => {
  const source = await openBasis(basis)
  const input = await openRdiffInput(delta, options)
  const output = await prepareOutput(newFile, options, signal)
  const job = new PatchStream(source)
  await output.take(input.stream, job)
  return [patchLine(job.statistics)]
}

function sumOf({ hash, rollsum }: RdiffOptions): SumName {
  const strong = STRONG_SUMS.get(hash)
  if (!strong) throw new RdiffError(`unknown hash algorithm ${hash}: it is blake2 or md4`, RDIFF_EXIT.syntaxError)
  const weak = WEAK_SUMS.find((each) => each === rollsum)
  if (weak) return `${weak}-${strong}`
  throw new RdiffError(`unknown rollsum algorithm ${rollsum}: it is rabinkarp or rollsum`, RDIFF_EXIT.syntaxError)
}

/** What each action does. */
export const RDIFF_JOBS: Readonly<Record<'signature' | 'delta' | 'patch', RdiffJob>> = {
  signature: signatureJob,
  delta: deltaJob,
  patch: patchJob,
}
