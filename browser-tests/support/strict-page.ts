// Reports the result of a signature to the parent page. Its content security policy forbids WebAssembly.
import { makeSignature } from '../../src/rsync.ts'

const result: unknown = await makeSignature(new Uint8Array(1)).catch((error: unknown) => error)
parent.postMessage(String(result), location.origin)
