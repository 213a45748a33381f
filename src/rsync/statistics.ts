import type { CodecStep } from '../bytes/codec-transform.ts'

/** Statistics of any job, updated while it runs. The fields are librsync's. */
export interface JobStatistics {
  /** Bytes of input consumed. */
  readonly inputBytes: number
  /** Bytes of output written. */
  readonly outputBytes: number
  /** When the job first ran, in milliseconds since 1970, or undefined before that. */
  readonly startTime: number | undefined
  /** When the job finished, in milliseconds since 1970, or undefined before that. */
  readonly endTime: number | undefined
}

/** Statistics of a signature job. */
export interface SignatureStatistics extends JobStatistics {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Number of blocks whose sums have been computed. */
  readonly signatureBlocks: number
}

/** Statistics of the jobs that write or read a delta. */
export interface CommandStatistics extends JobStatistics {
  /** Number of literal commands. */
  readonly literalCommands: number
  /** Bytes of data in literal commands. */
  readonly literalBytes: number
  /** Bytes of the literal commands themselves, without their data. */
  readonly literalCommandBytes: number
  /** Number of copy commands. */
  readonly copyCommands: number
  /** Bytes copied from the basis. */
  readonly copyBytes: number
  /** Bytes of the copy commands themselves. */
  readonly copyCommandBytes: number
}

/** Statistics of a delta job. */
export interface DeltaStatistics extends CommandStatistics {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Number of positions where the weak sum matched a block but the strong sum matched none. */
  readonly falseMatches: number
}

/** Statistics of a patch job. */
export type PatchStatistics = CommandStatistics

/** The type without `readonly`, for the one owner that may change what others only read. */
export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] }

/** Returns the initial statistics of any job. */
export function jobStatistics(): Mutable<JobStatistics> {
  return { inputBytes: 0, outputBytes: 0, startTime: undefined, endTime: undefined }
}

/** Returns the initial statistics of a signature job. */
export function signatureStatistics(blockLength: number): Mutable<SignatureStatistics> {
  return { ...jobStatistics(), blockLength, signatureBlocks: 0 }
}

/** Returns the initial statistics of a delta job. */
export function deltaStatistics(blockLength: number): Mutable<DeltaStatistics> {
  return { ...patchStatistics(), blockLength, falseMatches: 0 }
}

/** Returns the initial statistics of a patch job. */
export function patchStatistics(): Mutable<PatchStatistics> {
  return {
    ...jobStatistics(),
    literalCommands: 0,
    literalBytes: 0,
    literalCommandBytes: 0,
    copyCommands: 0,
    copyBytes: 0,
    copyCommandBytes: 0,
  }
}

/** Adds the result of one `iterate` call, and records when the job started and finished. */
export function countStep(statistics: Mutable<JobStatistics>, step: CodecStep): void {
  statistics.startTime ??= Date.now()
  statistics.inputBytes += step.read
  statistics.outputBytes += step.written
  if (step.state === 'done') statistics.endTime ??= Date.now()
}
