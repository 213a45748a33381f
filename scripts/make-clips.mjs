// Makes the sample clips in examples/player/clips/: a glowing honeycomb with a clock, which shows where a seek has
// landed, and a note for every second. Needs Debian's ffmpeg and fonts-dejavu-core. The clips are committed, because
// other versions of ffmpeg produce different bytes.
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

const SECONDS = 24
const FRAMES_PER_SECOND = 25
const WIDTH = 640
const HEIGHT = 360
const MAX_BYTES = 2_000_000
const FOLDER = join(ROOT, 'examples', 'player', 'clips')

/** A slow plasma, 0 to 1; computed at a small size and scaled up, because every point costs an evaluation. */
const GLOW = '(0.5+0.25*sin(X/17+T*0.9)+0.25*sin((X+Y*1.6)/23-T*0.6+2*sin(T*0.25)))'

/** The lines of a honeycomb: how near a point is to the edge of the hexagon around the nearer of two lattice points. */
const COMB = [
  'st(0,mod(X/64,1)-0.5)',
  'st(1,mod(Y/64,1.7320508)-0.8660254)',
  'st(2,mod(X/64+0.5,1)-0.5)',
  'st(3,mod(Y/64+0.8660254,1.7320508)-0.8660254)',
  'st(4,if(lt(hypot(ld(0),ld(1)),hypot(ld(2),ld(3))),' +
    'max(abs(ld(0)),abs(ld(0))*0.5+abs(ld(1))*0.8660254),' +
    'max(abs(ld(2)),abs(ld(2))*0.5+abs(ld(3))*0.8660254)))',
  '170*exp(-pow((0.5-ld(4))*24,2))',
].join(';')

/** One note of a pentatonic scale for each second, fading out. */
const NOTE = '0.25*sin(2*PI*t*220*pow(2\\,(mod(floor(t)*7\\,12)-mod(floor(t)*7\\,12)*0.2)/12))*exp(-3*mod(t\\,1))'

const FILTERS = [
  `[0]format=gbrp,geq=r='40+215*${GLOW}':g='16+160*pow(${GLOW},1.6)':b='52-30*${GLOW}',` +
    `scale=${WIDTH}:${HEIGHT}:flags=bicubic,setsar=1[glow]`,
  `[1]format=gray,geq=lum='${COMB}',loop=-1:1,fps=${FRAMES_PER_SECOND}[mask]`,
  '[2][mask]alphamerge[lines]',
  '[glow][lines]overlay=shortest=1,format=yuv420p,' +
    "drawtext=font='DejaVu Sans Mono':text='%{pts\\:hms}':fontsize=30:fontcolor=white:x=w-tw-24:y=h-th-24:" +
    'box=1:boxcolor=black@0.55:boxborderw=10[video]',
].join(';')

const SOURCES = [
  `color=black:s=${WIDTH / 8}x${HEIGHT / 8}:r=${FRAMES_PER_SECOND}:d=${SECONDS}`,
  `color=black:s=${WIDTH}x${HEIGHT}:r=1:d=1`,
  `color=0xFFE9B0:s=${WIDTH}x${HEIGHT}:r=${FRAMES_PER_SECOND}:d=${SECONDS}`,
  `aevalsrc='${NOTE}':s=48000:d=${SECONDS}`,
]

/** A key frame every second, so that a seek is exact and cheap. */
const KEY_FRAMES = ['-g', String(FRAMES_PER_SECOND), '-keyint_min', String(FRAMES_PER_SECOND)]

const FORMATS = {
  'comb.webm': '-c:v libvpx -b:v 200k -deadline good -cpu-used 1 -c:a libopus -b:a 32k',
  'comb.mp4':
    '-c:v libx264 -profile:v main -preset slow -b:v 200k -sc_threshold 0 -c:a aac -b:a 40k -movflags +faststart',
}

mkdirSync(FOLDER, { recursive: true })
let total = 0
for (const [name, options] of Object.entries(FORMATS)) {
  const file = join(FOLDER, name)
  const inputs = SOURCES.flatMap((source) => ['-f', 'lavfi', '-i', source])
  const outputs = ['-map', '[video]', '-map', '3:a', ...KEY_FRAMES, ...options.split(' '), '-t', String(SECONDS), file]
  // Without these two, the same command produces different bytes each time.
  const exact = ['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-map_metadata', '-1']
  const { code, output } = await run(
    ['ffmpeg', '-loglevel', 'error', '-y', ...inputs, '-filter_complex', FILTERS, ...exact, ...outputs],
    { timeoutMs: 120_000 },
  )
  if (code !== 0) throw new Error(`ffmpeg failed\n${output}`)
  total += statSync(file).size
  console.log(`${name}: ${statSync(file).size} bytes`)
}
if (total > MAX_BYTES) throw new Error(`${total} bytes in total, more than the limit of ${MAX_BYTES}`)
