#!/bin/bash
# R23: MP3 without a Xing/Info header frame (older encoders, stream rips, cut files): libsndfile guesses the length from the file's size.
# Complete constant-rate files are refused as broken off; of variable-rate files two thirds are dropped in silence.
. "$(dirname "$0")/lib.sh"
$PY - <<'E'
import numpy as np, soundfile as sf, mk, os
r = 44100; seconds = 30
y = np.concatenate([mk.sound(10, r, seed=k, level=l) for k, l in enumerate((0.05, 0.6, 0.3))])
def strip(d):   # drop the first frame, which holds nothing but the header
    at = max(d.find(b"Xing"), d.find(b"Info")); assert at > 0
    start = d.rfind(b"\xff\xfb", 0, at); return d[:start] + d[d.find(b"\xff\xfb", at + 100):]
for g in ("blues","rock"): os.makedirs(f"c/{g}")
for name, mode in (("cbr","CONSTANT"), ("vbr","VARIABLE")):
    for g, gain in (("blues", 1.0), ("rock", -0.7)):
        with sf.SoundFile("t.mp3","w",r,1,format="MP3",subtype="MPEG_LAYER_III",bitrate_mode=mode,compression_level=0.4) as f: f.write(gain*(y if g == "blues" else y[::-1]))
        d = open("t.mp3","rb").read(); open(f"c/{g}/{name}_{g}.mp3","wb").write(strip(d)); open(f"{name}_{g}_with_header.mp3","wb").write(d)
    print(name, "bytes", len(d), "libsndfile says", round(sf.info(f"c/rock/{name}_rock.mp3").duration, 3), "s of", seconds)
E
run $G health c; silent_on "truncated|unreadable|too-short" "complete files are condemned"
run $G predict c/*/*.mp3; ok
run $G features c --out f.csv; ok
run $G spectrograms c --out st --size 32; ok
run $PY -W ignore -c "
import gtzan_lib as gl
c = gl.open_corpus('c'); d = c.tracks['duration_s'].astype(float); print(d.round(2).to_dict())
assert (abs(d - 30) < 0.3).all(), 'wrong lengths'
print(gl.data.window_table(c, gl.WindowGrid(3.0)).groupby('track_id').size().to_dict())"
ok
done_
