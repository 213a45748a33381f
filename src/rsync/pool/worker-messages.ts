/**
 * What a `WorkerPool` and its workers tell each other. Every request has one reply, and a worker replies in the order of
 * its requests. Buffers are transferred, never copied: those of a request come back with its reply, for the next one.
 *
 * @module
 */
import type { DeltaOptions } from '../delta-job.ts'
import type { SignatureParts } from '../signature.ts'
import type { DeltaStatistics, SignatureStatistics } from '../statistics.ts'
import type { SumName } from '../sums.ts'
import type { InputPart } from './input-parts.ts'

/** {@linkcode SignatureParameters}, as they can be sent. */
export interface SentParameters {
  /** Bytes of a block. */
  readonly blockLength: number
  /** Bytes of a strong sum. */
  readonly strongLength: number
  /** The sums, weak and strong. */
  readonly sum: SumName
}

/** Asks for the signature of blocks, whole ones but for the last one of a basis. The reply is {@linkcode SignResult}. */
export interface SignRequest {
  /** Tells the requests apart. */
  readonly type: 'sign'
  /** What the signature consists of. */
  readonly parameters: SentParameters
  /** Holds the blocks, at its start. */
  readonly input: ArrayBuffer
  /** Bytes of the blocks. */
  readonly byteLength: number
}

/** What is given for a {@linkcode SignRequest}. */
export interface SignResult {
  /** The signature, with its header. */
  readonly signature: ArrayBuffer
  /** The buffer that held the blocks. */
  readonly input: ArrayBuffer
}

/** A job that one worker runs from its first byte to its last. */
export type WholeJob =
  | { readonly type: 'signature'; readonly parameters: SentParameters }
  | { readonly type: 'delta'; readonly signature: SignatureParts; readonly options: DeltaOptions }

/** Begins a job. The reply is undefined. */
export interface OpenRequest {
  /** Tells the requests apart. */
  readonly type: 'open'
  /** Tells the jobs of a worker apart. */
  readonly jobId: number
  /** What is to be run. */
  readonly job: WholeJob
}

/** Goes on with a job, until its output is full or it needs more input. The reply is {@linkcode RunResult}. */
export interface RunRequest {
  /** Tells the requests apart. */
  readonly type: 'run'
  /** The job. */
  readonly jobId: number
  /** More input, at the start of the buffer, which follows what the job has not used up yet. */
  readonly input: InputPart | undefined
  /** Whether no input follows. */
  readonly isEnded: boolean
  /** Takes the output. */
  readonly output: ArrayBuffer
}

/** What is given for a {@linkcode RunRequest}. */
export interface RunResult {
  /** The buffer of the request. */
  readonly output: ArrayBuffer
  /** Bytes of output at its start. */
  readonly written: number
  /** Buffers of this request and earlier ones whose input is used up. */
  readonly inputs: ArrayBuffer[]
  /** Whether the job is done. */
  readonly isDone: boolean
  /** What the job has counted. */
  readonly statistics: SignatureStatistics | DeltaStatistics
}

/** Drops a job, done or not. The reply is undefined. */
export interface CloseRequest {
  /** Tells the requests apart. */
  readonly type: 'close'
  /** The job. */
  readonly jobId: number
}

/** What a worker is asked for. */
export type WorkerRequest = SignRequest | OpenRequest | RunRequest | CloseRequest

/** A request as it is sent. */
export interface SentRequest {
  /** Comes back in the reply. */
  readonly id: number
  /** What is asked for. */
  readonly request: WorkerRequest
}

/** A reply as it is sent. */
export type SentReply =
  | { readonly id: number; readonly result: SignResult | RunResult | undefined }
  | { readonly id: number; readonly error: unknown }
