// Reports the result of a signature, and of a whole read over HTTP, to the parent page. Its content security policy forbids WebAssembly.
import { HttpHive } from '../../src/http.ts'
import { makeSignature } from '../../src/rsync.ts'

const result: unknown = await makeSignature(new Uint8Array(1)).catch((error: unknown) => error)
// The digest is wrong, but there is nothing to compute that of the bytes with.
const headers = { ETag: `"${'A'.repeat(43)}"`, 'Content-Length': '4', 'Content-Range': 'bytes 0-3/4' }
const hive = new HttpHive('http://hive.test/', {
  fetch(_url, { method }) {
    const isHead = method === 'HEAD'
    return Promise.resolve(new Response(isHead ? null : 'buzz', { status: isHead ? 200 : 206, headers }))
  },
})
const text = await (await hive.open('x')).text().catch(String)
parent.postMessage(`${String(result)} ${text}`, location.origin)
