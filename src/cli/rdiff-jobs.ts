import { statSync } from 'node:fs'
import type { Codec } from '../bytes/codec-transform.ts'
import { DeltaJob } from '../rsync/delta-job.ts'
import { DeltaParser } from '../rsync/delta-parser.ts'
import { LazyKernel } from '../rsync/kernel.ts'
import { LoadSignatureJob } from '../rsync/load-signature-job.ts'
import { SignatureJob } from '../rsync/signature-job.ts'
import type { Signature } from '../rsync/signature.ts'
import type { SumName } from '../rsync/sum-formats.ts'
import type { RdiffOptions } from './rdiff-arguments.ts'
import { openRdiffBasis } from './rdiff-basis.ts'
import { RDIFF_EXIT, RdiffError } from './rdiff-error.ts'
import { openRdiffInput, type RdiffInput } from './rdiff-input.ts'
import { openRdiffOutput, type RdiffOutput } from './rdiff-output.ts'
import { applyRdiffDelta } from './rdiff-patch.ts'
import { type JobRun, runJob } from './rdiff-run.ts'
import { deltaLine, loadLine, patchLine, signatureLine } from './rdiff-statistics.ts'

/** Performs an action, and returns the lines with its statistics. */
type RdiffJob = (files: readonly string[], options: RdiffOptions, signal: AbortSignal) => Promise<readonly string[]>

const STRONG_SUMS = new Map<string, 'blake2b' | 'md4'>([
  ['blake2', 'blake2b'],
  ['md4', 'md4'],
])
const WEAK_SUMS: readonly ('rabinkarp' | 'rollsum')[] = ['rabinkarp', 'rollsum']

/**
 * Larger than the default limit of the library for untrusted input, because here the user chooses the file; a delta holds two
 * blocks in memory. The number of blocks needs no limit, because memory grows only with what is read.
 */
const LIMITS = { blockLength: 256 * 1024 * 1024, blockCount: 2 ** 32 - 1 }

/** Default size of a buffer. Together with the buffers of a job, it fits in the processor's cache. */
const BUFFER_BYTES = 256 * 1024
/** Maximum size of a buffer, because all of its memory is allocated even if a file is smaller. */
const MAX_BUFFER_BYTES = 4 * 1024 * 1024

const NONE = new Uint8Array(0)

const signatureJob: RdiffJob = async ([basis = '-', signature = '-'], options, signal) => {
  const input = openJobInput(basis, options, signal)
  checkOutput(signature, options)
  const { blockSize, sumSize } = options
  const kernel = new LazyKernel()
  const job = new SignatureJob(kernel, {
    blockLength: blockSize === 0 ? undefined : blockSize,
    strongLength: sumSize === 0 ? 'max' : sumSize === -1 ? 'min' : sumSize,
    sourceLength: input.size,
    sum: sumOf(options),
  })
  const room = (): Uint8Array => job.room
  await runToOutput(job, { input, output: signature, load: () => kernel.load(), room }, options, signal)
  return [signatureLine(job.statistics)]
}

const deltaJob: RdiffJob = async ([signature = '-', newFile = '-', delta = '-'], options, signal) => {
  const signatureInput = openJobInput(signature, options, signal)
  const input = openJobInput(newFile, options, signal)
  checkOutput(delta, options)
  const startTime = Date.now()
  const loaded = await readSignature(signatureInput, options, signal)
  const loading = loadLine(loaded, { startTime, endTime: Date.now() })
  const kernel = new LazyKernel()
  await kernel.load()
  const job = new DeltaJob(loaded, kernel)
  const room = (): Uint8Array => job.room
  await runToOutput(job, { input, output: delta, room }, options, signal)
  return [loading, deltaLine(job.statistics)]
}

/**
 * Keeps V8 from compiling with TurboFan and Sparkplug, whose code pays only in much longer runs: a patch mostly waits for
 * the system. They took a tenth of the CPU time of patches of 256 MiB. Maglev still compiles what runs often.
 */
function limitCompilers(): void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  setFlagsFromString('--no-turbofan')
  setFlagsFromString('--no-sparkplug')
}

const patchJob: RdiffJob = async ([basis = '-', delta = '-', newFile = '-'], options, signal) => {
  limitCompilers()
  const source = openRdiffBasis(basis)
  try {
    const input = openJobInput(delta, options, signal)
    checkOutput(newFile, options)
    const parser = new DeltaParser(source.size)
    const apply = async ({ writePieces: write }: RdiffOutput): Promise<void> => {
      const inputBuffer = new Uint8Array(bufferBytes(options.inputSize))
      const outputBuffer = new Uint8Array(bufferBytes(options.outputSize))
      await applyRdiffDelta(parser, { basis: source, input, inputBuffer, outputBuffer, write, signal })
      source.check()
    }
    await withOutput(newFile, input, apply, options, signal)
    return [patchLine(parser.statistics)]
  } finally {
    source.close()
  }
}

function openJobInput(file: string, { inputSize }: RdiffOptions, signal: AbortSignal): RdiffInput {
  return openRdiffInput(file, bufferBytes(inputSize), signal)
}

/** Checked before anything is read: a pending read of a terminal or a pipe would keep a failing process alive. */
function checkOutput(file: string, { force, outputSize }: RdiffOptions): void {
  bufferBytes(outputSize)
  if (file !== '-' && !force && statSync(file, { throwIfNoEntry: false })) {
    throw new RdiffError(`the file already exists; use -f to replace it: ${file}`, RDIFF_EXIT.ioError)
  }
}

function bufferBytes(size: number): number {
  if (size < 0) throw new RdiffError(`a buffer cannot have ${size} bytes`, RDIFF_EXIT.paramError)
  return size === 0 ? BUFFER_BYTES : Math.min(size, MAX_BUFFER_BYTES)
}

/** The input and the output of a job. */
interface Task extends Pick<JobRun, 'input' | 'load' | 'room'> {
  /** The output file, or `-`. */
  readonly output: string
}

async function runToOutput(job: Codec, task: Task, options: RdiffOptions, signal: AbortSignal): Promise<void> {
  const run = ({ write }: RdiffOutput): Promise<void> =>
    runJob(job, {
      ...task,
      inputBuffer: new Uint8Array(bufferBytes(options.inputSize)),
      outputBuffer: new Uint8Array(bufferBytes(options.outputSize)),
      write,
      signal,
    })
  await withOutput(task.output, task.input, run, options, signal)
}

/** Opens the output, and completes it if `act` succeeds. The input is closed in any case. */
async function withOutput(
  file: string,
  input: RdiffInput,
  act: (output: RdiffOutput) => Promise<void>,
  { force }: RdiffOptions,
  signal: AbortSignal,
): Promise<void> {
  const output = await openRdiffOutput(file, { replace: force, signal })
  try {
    await act(output)
    await output.finish()
  } catch (error) {
    await output.drop(error)
    throw error
  } finally {
    input.close()
  }
}

async function readSignature(input: RdiffInput, { inputSize }: RdiffOptions, signal: AbortSignal): Promise<Signature> {
  const job = new LoadSignatureJob({ limits: LIMITS })
  const inputBuffer = new Uint8Array(bufferBytes(inputSize))
  try {
    await runJob(job, { input, inputBuffer, outputBuffer: NONE, write() {}, signal })
    return job.signature!
  } finally {
    input.close()
  }
}

function sumOf({ hash, rollsum }: RdiffOptions): SumName {
  const strong = STRONG_SUMS.get(hash)
  if (!strong) throw new RdiffError(`unknown hash algorithm ${hash}: use blake2 or md4`, RDIFF_EXIT.syntaxError)
  const weak = WEAK_SUMS.find((each) => each === rollsum)
  if (weak) return `${weak}-${strong}`
  throw new RdiffError(`unknown rollsum algorithm ${rollsum}: use rabinkarp or rollsum`, RDIFF_EXIT.syntaxError)
}

/** The function for each action. */
export const RDIFF_JOBS: Readonly<Record<'signature' | 'delta' | 'patch', RdiffJob>> = {
  signature: signatureJob,
  delta: deltaJob,
  patch: patchJob,
}
