/** Says what the directory is. It is written last, so that a directory that has it has been made completely. */
export const MARKER_FILE = 'combstream-directory'
