/**
 * Blocks in an S3-class object store: Amazon S3, Ceph, MinIO, R2 and others. It runs wherever there is `fetch`, and needs
 * the package `aws4fetch`, which signs the requests.
 *
 * @module
 */
export { BackendError, type BackendErrorOptions, type ErrorFacts } from '../errors.ts'
export { FormatError, type FormatErrorOptions, type FormatErrorReason } from '../errors.ts'
export { QuotaExceededError, type QuotaExceededErrorOptions } from '../errors.ts'
export { s3Blocks, type S3BlocksOptions } from './s3/s3-blocks.ts'
export type { S3Credentials } from './s3/credentials.ts'
export type { BlockBackend } from './tiered.ts'
