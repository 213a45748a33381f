import { extname } from 'node:path'
import { mimes } from 'mrmime'

/** What mrmime lacks or calls otherwise: by the IANA registry, and for what is not in it by what systems agree on. */
const FURTHER_TYPES = new Map(
  Object.entries({
    'application/cbor': ['cbor'],
    'application/gzip': ['tgz'],
    'application/vnd.android.package-archive': ['apk'],
    'application/vnd.apache.parquet': ['parquet'],
    'application/vnd.apple.mpegurl': ['m3u8'],
    'application/vnd.ms-excel': ['xls'],
    'application/vnd.ms-powerpoint': ['ppt'],
    'application/vnd.oasis.opendocument.presentation': ['odp'],
    'application/vnd.oasis.opendocument.spreadsheet': ['ods'],
    'application/vnd.oasis.opendocument.text': ['odt'],
    'application/vnd.openxmlformats-officedocument.presentationml.presentation': ['pptx'],
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ['xlsx'],
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document': ['docx'],
    'application/vnd.rar': ['rar'],
    'application/vnd.sqlite3': ['sqlite', 'sqlite3'],
    'application/x-7z-compressed': ['7z'],
    'application/x-bittorrent': ['torrent'],
    'application/x-bzip2': ['bz2'],
    'application/x-ndjson': ['jsonl', 'ndjson'],
    'application/x-subrip': ['srt'],
    'application/x-tar': ['tar'],
    'application/x-xz': ['xz'],
    'application/zstd': ['zst'],
    'audio/ac3': ['ac3'],
    'audio/aiff': ['aif', 'aifc', 'aiff'],
    'audio/eac3': ['ec3', 'eac3'],
    'audio/flac': ['flac'],
    'audio/matroska': ['mka'],
    'audio/mp4': ['m4b'],
    'audio/mpegurl': ['m3u'],
    'audio/vnd.dts': ['dts'],
    'audio/x-caf': ['caf'],
    'audio/x-ms-wma': ['wma'],
    'image/vnd.adobe.photoshop': ['psd'],
    'image/vnd.microsoft.icon': ['ico'],
    'text/vcard': ['vcf'],
    'text/x-ssa': ['ass', 'ssa'],
    'video/matroska': ['mkv'],
    'video/matroska-3d': ['mk3d'],
    'video/mp4': ['f4v', 'm4v'],
    'video/mpeg': ['vob'],
    'video/x-flv': ['flv'],
    'video/x-ms-asf': ['asf'],
    'video/x-ms-wmv': ['wmv'],
    'video/x-msvideo': ['avi'],
  }).flatMap(([type, extensions]) => extensions.map((extension) => [extension, type] as const)),
)

/** The media type by the extension of a path; undefined where it has none, or none that is known. */
export function mediaTypeOf(path: string): string | undefined {
  // Without its dot. A name that only begins with one has no extension.
  const extension = extname(path).slice(1).toLowerCase()
  // An object has names, such as `constructor`, that nobody put there.
  return FURTHER_TYPES.get(extension) ?? (Object.hasOwn(mimes, extension) ? mimes[extension] : undefined)
}
