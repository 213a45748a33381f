// Prints what a media file on any server says of itself: node examples/mediabunny/metadata.ts https://example.com/bunny.mp4
import { openUrl } from 'combstream/http'
import { describeMedia } from './describe-media.ts'
import { openMedia } from './open-media.ts'

const url = process.argv[2]
if (url === undefined) throw new Error('which URL?')
const entry = await openUrl(url)
const input = openMedia(entry)
for (const line of await describeMedia(input)) console.log(line)
input.dispose()
await entry.close()
