#!/bin/bash
# R02, R07: files that the system's player plays but whose ending is not on the list are passed over without a word.
. "$(dirname "$0")/lib.sh"
$PY - <<'E'
import mk
mk.corpus("c", genres=("blues","rock"), tracks=3)
for n in range(3):
    mk.write(f"c/jazz/song{n}.aiff", seed=50+n)               # a genre of AIFF alone
    mk.write(f"c/blues/more{n}.opus", seed=60+n, rate=48000, format="OGG", subtype="OPUS")
E
run $G health c --jobs 2
# Changed: nothing is passed over any more, so that all files are counted instead of a word about them.
says "12 files" "all sound files are looked at"
says "blues.more2"
run $G features c --out f.csv
# Changed: nothing is passed over any more, so that the table has these tracks instead of a word about them.
check "features of AIFF and Opus" grep -q "^jazz.song0" f.csv
check "features of Opus among WAV" grep -q "^blues.more2" f.csv
done_
