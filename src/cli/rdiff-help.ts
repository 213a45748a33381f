/** What `comb rdiff --help` prints. */
export const RDIFF_HELP = `Usage: comb rdiff [options] signature [BASIS [SIGNATURE]]
       comb rdiff [options] delta SIGNATURE [NEWFILE [DELTA]]
       comb rdiff [options] patch BASIS [DELTA [NEWFILE]]

Works like rdiff of librsync, with the same options, files and exit codes.
If a file is - or is not given, standard input or output is used. Actions
may be abbreviated: s, sig, d, p.

Options:
  -v, --verbose             accepted, but without effect
  -V, --version             print the version
  -?, -h, --help            print this help
  -s, --statistics          print statistics on stderr
  -f, --force               replace an existing output file
Options of signature:
  -H, --hash=ALG            strong sum: blake2 (default) or md4
  -R, --rollsum=ALG         weak sum: rabinkarp (default) or rollsum
  -b, --block-size=BYTES    bytes in a block; 0 (default): depends on the size
  -S, --sum-size=BYTES      bytes in a strong sum; 0 (default): all; -1: as few
                            as protect against accidental collisions
Options of all actions:
  -I, --input-size=BYTES    most bytes to read at a time; 0 (default): any number
  -O, --output-size=BYTES   most bytes to write at a time; 0 (default): any number

Example:
  comb rdiff signature old old.sig
  comb rdiff delta old.sig new new.delta
  comb rdiff patch old new.delta new
`
