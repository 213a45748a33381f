/** What `comb rdiff --help` prints. */
export const RDIFF_HELP = `Usage: comb rdiff [options] signature [BASIS [SIGNATURE]]
       comb rdiff [options] delta SIGNATURE [NEWFILE [DELTA]]
       comb rdiff [options] patch BASIS [DELTA [NEWFILE]]

Does what rdiff of librsync does, with its options, files and exit codes.
A file that is - or missing is standard input or output. An action may be
shortened: s, sig, d, p.

Options:
  -v, --verbose             accepted, and of no effect
  -V, --version             print the version
  -?, -h, --help            print this help
  -s, --statistics          print on stderr what was counted
  -f, --force               replace an output that exists
Of signature:
  -H, --hash=ALG            strong sum: blake2 (default) or md4
  -R, --rollsum=ALG         weak sum: rabinkarp (default) or rollsum
  -b, --block-size=BYTES    bytes of a block; 0 (default): what suits the size
  -S, --sum-size=BYTES      bytes of a strong sum; 0 (default): all; -1: as few
                            as are safe from chance
Of all:
  -I, --input-size=BYTES    bytes to take at a time; 0 (default): any number
  -O, --output-size=BYTES   bytes to write at a time; 0 (default): any number

Example:
  comb rdiff signature old old.sig
  comb rdiff delta old.sig new new.delta
  comb rdiff patch old new.delta new
`
