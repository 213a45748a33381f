// Prints the length of a signature that threads compute, and does not stop the threads.
import { createThread } from '../../src/platform.ts'
import { collect } from '../../src/bytes/collect.ts'
import { SignatureStream, WorkerPool } from '../../src/rsync.ts'

const pool = new WorkerPool(createThread)
const basis = new Blob([new Uint8Array(5_000_000)])
console.log((await collect(basis.stream().pipeThrough(new SignatureStream({ pool })))).byteLength)
