#!/bin/bash
# R22-R26: broken and odd sound: every command must name the file, keep the others, and not crash.
. "$(dirname "$0")/lib.sh"
$PY - <<'E'
import mk, pathlib, struct, numpy as np, soundfile as sf
mk.corpus("c", genres=("blues","rock"), tracks=3)
b = pathlib.Path("c/blues")
(b/"zero.wav").write_bytes(b""); (b/"zerom.mp3").write_bytes(b"")
(b/"id3only.mp3").write_bytes(b"ID3\x04\0\0\0\0\x07\x76" + b"\0"*1014)
y = mk.sound(6); 
sf.write("t.ogg", y, 22050); d = pathlib.Path("t.ogg").read_bytes(); (b/"cutv.ogg").write_bytes(d[:len(d)*2//3])
sf.write("t.opus", mk.sound(6,48000), 48000, format="OGG", subtype="OPUS"); d = pathlib.Path("t.opus").read_bytes(); (b/"cutopus.ogg").write_bytes(d[:len(d)*2//3])
sf.write("t.mp3", y, 22050, format="MP3"); d = pathlib.Path("t.mp3").read_bytes(); (b/"cutm.mp3").write_bytes(d[:len(d)*2//3])
(b/"noxing.mp3").write_bytes(d.replace(b"Info", b"\0\0\0\0").replace(b"Xing", b"\0\0\0\0"))
(b/"junkend.mp3").write_bytes(d + b"APETAGEX" + b"\0"*3000 + b"TAG" + b"x"*125)
pic = b"APIC" + struct.pack(">I", 0x40000)  + b"\0\0" + b"\0image/jpeg\0\x03\0" + b"\xff\xd8\xff\xe0" + b"\x11"*(0x40000-16)
n = len(pic)+2048; size = bytes([(n>>21)&127,(n>>14)&127,(n>>7)&127,n&127])
(b/"cover.mp3").write_bytes(b"ID3\x03\0\0"+size+pic+b"\0"*2048+d)
sf.write("t.flac", y, 22050); d = pathlib.Path("t.flac").read_bytes(); (b/"cutf.flac").write_bytes(d[:len(d)*2//3])
sf.write("t.wav", y, 22050); d = bytearray(pathlib.Path("t.wav").read_bytes()); (b/"cut.wav").write_bytes(d[:len(d)*2//3])
i = bytes(d).find(b"data"); d[i+4:i+8] = b"\xff"*4; d[4:8] = b"\xff"*4; (b/"pipe.wav").write_bytes(d)
d[i+4:i+8] = b"\0"*4; (b/"pipe0.wav").write_bytes(d)
z = y.copy(); z[1000:1100] = np.nan; sf.write(b/"nan.wav", z, 22050, subtype="FLOAT")
z = y.copy(); z[5] = np.inf; sf.write(b/"inf.wav", z, 22050, subtype="FLOAT")
sf.write(b/"loud.wav", y*300, 22050, subtype="FLOAT"); sf.write(b/"double.wav", y, 22050, subtype="DOUBLE")
sf.write(b/"silent.wav", y*0, 22050); sf.write(b/"const.wav", y*0+.5, 22050)
(b/"noise.wav").write_bytes(np.random.default_rng(0).bytes(50000)); (b/"html.mp3").write_text("<!DOCTYPE html><html>404</html>"*99)
(b/"riffonly.wav").write_bytes(b"RIFF\x24\0\0\0WAVE")
sf.write(b/"empty.wav", y[:0], 22050); sf.write(b/"one.wav", y[:1], 22050); sf.write(b/"short.wav", y[:11025], 22050)
for r in (4000, 8000, 11025, 44100, 96000, 192000): sf.write(b/f"r{r}.wav", mk.sound(6, r), r)
sf.write(b/"six.wav", mk.sound(6, 48000, 6), 48000, subtype="PCM_24", format="WAVEX"); sf.write(b/"alaw.wav", y, 22050, subtype="ALAW"); sf.write(b/"adpcm.wav", y, 22050, subtype="IMA_ADPCM"); sf.write(b/"u8.wav", y, 22050, subtype="PCM_U8")
sf.write(b/"rf64.wav", y, 22050, format="RF64"); 
E
export LIMIT=200
run $G spectrograms c --out st --size 32 --jobs 2
run $G features c --out f.csv --jobs 2
run $G predict c/blues/* --jobs 2
$PY - <<'E'
import warnings; warnings.simplefilter("ignore")
import gtzan_lib as gl
c = gl.open_corpus("c"); d = c.tracks["duration_s"].astype(float)
print(d.describe()); assert not (d > 1000).any(), d[d > 1000]
w = gl.data.window_table(c, gl.WindowGrid(3.0)); print(len(w), "windows")
E
[ $? = 0 ] || { echo "FAIL: a broken file has a length of years"; FAILED=1; }
done_
