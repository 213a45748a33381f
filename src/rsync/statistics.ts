import type { CodecStep } from '../bytes/codec-transform.ts'

/** What every job counts, live while it runs; librsync's fields. */
export interface JobStatistics {
  /** Bytes of input that have been used up. */
  readonly inputBytes: number
  /** Bytes of output that have been written. */
  readonly outputBytes: number
  /** When the job was first given something to do, in milliseconds since 1970; undefined before. */
  readonly startTime: number | undefined
  /** When the job was done, in milliseconds since 1970; undefined before. */
  readonly endTime: number | undefined
}

/** What a signature job counts. */
export interface SignatureStatistics extends JobStatistics {
  /** Bytes of a block. */
  readonly blockLength: number
  /** Blocks whose sums have been computed. */
  readonly signatureBlocks: number
}

/** What the jobs count that write or read the commands of a delta. */
export interface CommandStatistics extends JobStatistics {
  /** Number of literal commands. */
  readonly literalCommands: number
  /** Bytes of their data. */
  readonly literalBytes: number
  /** Bytes of the commands themselves, without data. */
  readonly literalCommandBytes: number
  /** Number of copy commands. */
  readonly copyCommands: number
  /** Bytes that they copy from the basis. */
  readonly copyBytes: number
  /** Bytes of the commands themselves. */
  readonly copyCommandBytes: number
}

/** What a delta job counts. */
export interface DeltaStatistics extends CommandStatistics {
  /** Bytes of a block. */
  readonly blockLength: number
  /** Places where a block had the weak sum, and none the strong sum. */
  readonly falseMatches: number
}

/** What a patch job counts. */
export type PatchStatistics = CommandStatistics

/** What others may only read, as its owner has it. */
export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] }

/** Counters of any job, at their start. */
export function jobStatistics(): Mutable<JobStatistics> {
  return { inputBytes: 0, outputBytes: 0, startTime: undefined, endTime: undefined }
}

/** Counters of a signature job, at their start. */
export function signatureStatistics(blockLength: number): Mutable<SignatureStatistics> {
  return { ...jobStatistics(), blockLength, signatureBlocks: 0 }
}

/** Counters of a delta job, at their start. */
export function deltaStatistics(blockLength: number): Mutable<DeltaStatistics> {
  return { ...patchStatistics(), blockLength, falseMatches: 0 }
}

/** Counters of a patch job, at their start. */
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

/** Enters what one call of `iterate` did, and when the job began and was done. */
export function countStep(statistics: Mutable<JobStatistics>, step: CodecStep): void {
  statistics.startTime ??= Date.now()
  statistics.inputBytes += step.read
  statistics.outputBytes += step.written
  if (step.state === 'done') statistics.endTime ??= Date.now()
}
