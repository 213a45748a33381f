/**
 * A process that ends in the middle of an entry: it neither closes its reader nor cancels its stream. It must not stay
 * until the time of a stall is over.
 */
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive.ts'
import { createHiveHandler, HttpHive } from '../../src/http.ts'
import { StreamStore } from '../../src/store.ts'

const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())))
const hive = new HttpHive('http://hive.test/', {
  fetch: (url, init) => handler(new Request(url, init)),
  stallTimeoutMs: 1_000_000,
})
await new Blob([new Uint8Array(3_000_000)]).stream().pipeTo(hive.sink('bee'))
const entry = await hive.open('bee')
await entry.reader().read()
const { value } = await entry.stream().getReader().read()
console.log(value!.byteLength > 0 ? 'left' : 'nothing read')
