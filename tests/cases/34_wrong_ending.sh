#!/bin/bash
# Downloads with the wrong ending: AAC/MP4, Opus/WebM, WAV, a web page with umlauts, a JPEG, all called .mp3; MP3 called .wav. A refusal or the right sound, but no genre out of noise.
. "$(dirname "$0")/lib.sh"
FF=${FF:-$(command -v ffmpeg)}
$PY - <<'E'
import mk, numpy as np
mk.write("s.wav", 12, 44100, 2, seed=3)
rng = np.random.default_rng(1)
open("jpeg.mp3","wb").write(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + rng.bytes(300000) + b"\xff\xd9")
open("noise.mp3","wb").write(rng.bytes(2_000_000))
open("page.mp3","wb").write(("<html>" + "fehler ÿ ü \xff" * 20000).encode("latin-1"))
import shutil; shutil.copy("s.wav", "wav_named.mp3")
E
mk() { $FF -v error -y -i s.wav "${@:1:$#-1}" tmp.${!#} ; }
if [ -x $FF ]; then
  $FF -v error -y -i s.wav s.m4a; cp s.m4a aac_named.mp3; $FF -v error -y -i s.wav s.webm; cp s.webm webm_named.mp3
  $FF -v error -y -i s.wav s.opus; cp s.opus opus_named.mp3; $FF -v error -y -i s.wav -c:a libmp3lame s.mp3 2>/dev/null && cp s.mp3 mp3_named.wav; $FF -v error -y -i s.wav s.wma; $FF -v error -y -i s.wav s.aiff; $FF -v error -y -i s.wav -c:a aac s.aac; cp s.aac adts_named.mp3; $FF -v error -y -i s.wav s.mp2
  $FF -v error -y -i s.wav -ac 6 s51.m4a; $FF -v error -y -i s.wav -c:a alac alac.m4a; $FF -v error -y -i s.wav -c:a libmp3lame -f wav mp3in.wav 2>/dev/null
fi
for f in *.mp3 *.wav *.m4a *.webm *.opus *.wma *.aiff *.aac *.mp2; do [ -e "$f" ] || continue
  timeout 60 $G predict $f >o 2>&1; echo "$f: rc $? $(tail -1 o | cut -c1-150)"; grep -v "^error\|^  *[a-z]* *[0-9]* %\|%  " o | head -2 | cut -c1-150; done > $T/out; cat $T/out
# Changed: with ffmpeg, AAC, MP4 and WebM named .mp3 are the right sound, and no longer refused.
grep -qE "^(jpeg|noise|page).mp3: rc 0" $T/out && { echo "FAIL: a genre is told of what is no sound"; FAILED=1; }
grep -q "File does not exist" $T/out && { echo "FAIL: says that a file which is there does not exist"; FAILED=1; }
mkdir -p c/blues c/rock; cp *_named.mp3 noise.mp3 jpeg.mp3 page.mp3 c/blues/; cp s.wav c/rock/
run $G health c --jobs 2
done_
