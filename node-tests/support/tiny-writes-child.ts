// Stores an entry with the given number of writes of 100 bytes, and prints its size.
import process from 'node:process'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

const hive = new LocalHive(new StreamStore(memoryBackend()))
const sink = hive.sink('x')
const writer = sink.getWriter()
const chunk = new Uint8Array(100)
for (let left = Number(process.argv[2]); left > 0; left--) await writer.write(chunk)
await writer.close()
console.log((await sink.entry).size)
