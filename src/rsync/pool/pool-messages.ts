/**
 * The messages between a `WorkerPool` and its workers. Every request has one reply, and a worker replies in the order
 * of its requests. Buffers are transferred, never copied. Those of a request come back with its reply and are reused.
 *
 * @module
 */
import type { DeltaOptions } from '../delta-job.ts'
import type { SignatureParts } from '../signature.ts'
import type { DeltaStatistics, SignatureStatistics } from '../statistics.ts'
import type { SumName } from '../sum-formats.ts'
import type { InputPart } from './input-parts.ts'

/** {@linkcode SignatureParameters} in a form that can be sent. */
export interface SentParameters {
  /** Block length in bytes. */
  readonly blockLength: number
  /** Strong sum length in bytes. */
  readonly strongLength: number
  /** The weak and strong sums. */
  readonly sum: SumName
}

/**
 * Requests the signature of whole blocks; only the last block of a basis may be shorter. The reply is a
 * {@linkcode SignResult}.
 */
export interface SignRequest {
  /** Identifies the kind of request. */
  readonly type: 'sign'
  /** The parameters of the signature. */
  readonly parameters: SentParameters
  /** Holds the blocks at its start. */
  readonly input: ArrayBuffer
  /** Length of the blocks in bytes. */
  readonly byteLength: number
}

/** The reply to a {@linkcode SignRequest}. */
export interface SignResult {
  /** The signature, with its header. */
  readonly signature: ArrayBuffer
  /** The buffer that held the blocks. */
  readonly input: ArrayBuffer
}

/** A job that one worker runs from start to finish. */
export type WholeJob =
  | { readonly type: 'signature'; readonly parameters: SentParameters }
  | { readonly type: 'delta'; readonly signature: SignatureParts; readonly options: DeltaOptions }

/** Starts a job. The reply is undefined. */
export interface OpenRequest {
  /** Identifies the kind of request. */
  readonly type: 'open'
  /** Identifies the job within the worker. */
  readonly jobId: number
  /** The job to run. */
  readonly job: WholeJob
}

/** Continues a job until its output is full or it needs more input. The reply is a {@linkcode RunResult}. */
export interface RunRequest {
  /** Identifies the kind of request. */
  readonly type: 'run'
  /** The job. */
  readonly jobId: number
  /** More input at the start of the buffer. It follows the input that the job has not consumed yet. */
  readonly input: InputPart | undefined
  /** Whether no input follows. */
  readonly isEnded: boolean
  /** Takes the output. */
  readonly output: ArrayBuffer
}

/** The reply to a {@linkcode RunRequest}. */
export interface RunResult {
  /** The buffer of the request. */
  readonly output: ArrayBuffer
  /** Bytes of output at its start. */
  readonly written: number
  /** Buffers of this and earlier requests whose input has been consumed. */
  readonly inputs: ArrayBuffer[]
  /** Whether the job is done. */
  readonly isDone: boolean
  /** The job's statistics. */
  readonly statistics: SignatureStatistics | DeltaStatistics
}

/** Drops a job, done or not. The reply is undefined. */
export interface CloseRequest {
  /** Identifies the kind of request. */
  readonly type: 'close'
  /** The job. */
  readonly jobId: number
}

/** A request to a worker. */
export type WorkerRequest = SignRequest | OpenRequest | RunRequest | CloseRequest

/** A request in transit. */
export interface SentRequest {
  /** Returned in the reply. */
  readonly id: number
  /** The request itself. */
  readonly request: WorkerRequest
}

/** A reply in transit. */
export type SentReply =
  | { readonly id: number; readonly result: SignResult | RunResult | undefined }
  | { readonly id: number; readonly error: unknown }
