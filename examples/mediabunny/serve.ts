// Serves the page, and a hive in memory with two clips: node examples/mediabunny/serve.ts [port]
import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createHiveHandler, LocalHive, StreamStore } from 'combstream'
import { memoryBackend } from 'combstream/backends/memory'
import { build } from 'esbuild'
import { serve } from 'srvx'

const CLIPS = { 'comb.mp4': 'video/mp4', 'comb.webm': 'video/webm' }
const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const hive = new LocalHive(new StreamStore(memoryBackend()))
for (const [alias, type] of Object.entries(CLIPS)) {
  const clip = await openAsBlob(fileOf(`../player/clips/${alias}`))
  await clip.stream().pipeTo(hive.sink(alias, { type }))
}
const handler = createHiveHandler(hive, { base: '/hive/', authorize: (_, { action }) => action === 'read' })

const { outputFiles } = await build({ entryPoints: [fileOf('page.ts')], bundle: true, format: 'esm', write: false })
const script = outputFiles[0]!.text
const html = await readFile(fileOf('index.html'), 'utf8')

const server = serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2] ?? 8080),
  silent: true,
  fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/hive/')) return handler(request)
    if (pathname === '/page.js') return new Response(script, { headers: { 'Content-Type': 'text/javascript' } })
    if (pathname === '/') return new Response(html, { headers: { 'Content-Type': 'text/html' } })
    return new Response('not found\n', { status: 404 })
  },
})
await server.ready()
console.log(`The page is at ${server.url}`)
