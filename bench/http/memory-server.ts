// Serves a file from a hive in memory as `comb serve` does, and prints the URL: node memory-server.ts FILE
import { openAsBlob } from 'node:fs'
import process from 'node:process'
import { memoryBackend } from '../../src/backends/memory.ts'
import { startHiveServer } from '../../src/cli/hive-server.ts'
import { LocalHive } from '../../src/hive.ts'
import { StreamStore } from '../../src/store.ts'

const hive = new LocalHive(new StreamStore(memoryBackend()))
await (await openAsBlob(process.argv[2]!)).stream().pipeTo(hive.sink('big'))
const { url } = await startHiveServer(hive, {
  host: '127.0.0.1',
  port: 0,
  token: undefined,
  allowHost: [],
  allowOrigin: [],
  log: false,
  graceMs: 0,
})
console.log(url)
