#!/bin/bash
# R22: a truncated Ogg among good files (libsndfile may say: 2^63-1 frames): no crash, no years of music; health names it.
. "$(dirname "$0")/lib.sh"
$PY - <<'E'
import mk, soundfile as sf
mk.corpus("c", genres=("blues","rock"), tracks=3)
sf.write("t.ogg", mk.sound(30), 22050); d = open("t.ogg","rb").read()
open("c/blues/cut.ogg","wb").write(d[:len(d)*2//3])
E
export LIMIT=100
run $G health c; says "cut.*truncated"
run $G spectrograms c --out st --size 32; ok
run $G features c --out f.csv; ok
run $G predict c/blues/cut.ogg; ok
run $PY -W ignore -c "
import gtzan_lib as gl
c = gl.open_corpus('c'); assert c.tracks['duration_s'].max() < 31; print(len(gl.data.window_table(c, gl.WindowGrid(3.0))))"
ok
done_
