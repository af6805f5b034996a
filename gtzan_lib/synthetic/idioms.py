"""The musical style of each genre, as tables: tempo, chords, rhythms, instruments, sound.

Patterns have one character per sixteenth note, 16 per bar; a waltz uses the
first 12. In every pattern ``.`` is a rest and ``-`` holds the note before.

- Drums: ``X`` accent, ``x`` hit, ``o`` soft hit, ``?`` hit that is played at random.
- Comping (``style:pattern``): ``X`` accent, ``x`` hit.
- Bass: ``R`` root, ``3`` third, ``5`` fifth, ``8`` octave, ``7`` seventh,
  ``w`` another tone of the chord or scale, ``a`` a semitone or two from the next root.

Genres overlap on purpose, above all in tempo: `neighbours` are the genres from
which a cross-over artist takes instruments, a groove or a sound.
"""

from dataclasses import dataclass, fields, replace
from types import MappingProxyType

__all__ = ["IDIOMS", "Band", "Idiom", "Melody", "Sound"]

Groove = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Band:
    """The instruments of a band: General MIDI programs (0 to 127) by role.

    A role of None is not played.

    Attributes
    ----------
    kit : int or None
        Drum kit.
    bass, comp, colour, pad, lead : int or None
        Bass, first and second accompaniment, held chords, melody.
    solo : int or None
        Melody instrument of solo sections.
    """

    kit: int | None = None
    bass: int | None = None
    comp: int | None = None
    colour: int | None = None
    pad: int | None = None
    lead: int | None = None
    solo: int | None = None


@dataclass(frozen=True, kw_only=True)
class Melody:
    """The style of melodies.

    Attributes
    ----------
    density : tuple of float
        Range of the number of notes per beat.
    syncopation : float
        From 0, notes on the beats, to 1, notes mostly between them.
    legato : float
        Share of the time to the next note that a note sounds.
    centre : int
        MIDI pitch around which the melody lies.
    scale : str or None
        Scale of the melody, such as ``blues`` over major chords; None for the song's.
    """

    density: tuple[float, float] = (1.0, 2.0)
    syncopation: float = 0.3
    legato: float = 0.85
    centre: int = 72
    scale: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Production settings of a recording.

    Attributes
    ----------
    low, mid, high : float
        Equaliser gains in dB: shelf below 160 Hz, peak at 1.2 kHz, shelf above 4 kHz.
    lowpass : float
        Upper band limit in Hz.
    drive : float
        Saturation, 0 (clean) to 1.
    squash : float
        Compression of the mix, 0 (none) to 1 (strongest).
    pump : float
        How much the level drops on each beat, 0 to 1.
    room, decay : float
        Reverberation: its share of the mix (0 to 1), its length in seconds.
    noise : float
        Level of the noise floor in dB relative to full scale.
    crackle : float
        Clicks of worn vinyl per second.
    level : float
        Peak level in dB relative to full scale.
    left : float
        Weight of the left channel in the mono sum, 0 to 1.
    """

    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    lowpass: float = 10_000.0
    drive: float = 0.1
    squash: float = 0.3
    pump: float = 0.0
    room: float = 0.15
    decay: float = 0.8
    noise: float = -72.0
    crackle: float = 0.0
    level: float = -1.5
    left: float = 0.5

    def blend(self, other: "Sound", share: float) -> "Sound":
        """Return a weighted mean of two sounds; `share` (0 to 1) is the other's weight."""
        values = {
            field.name: (1 - share) * getattr(self, field.name) + share * getattr(other, field.name)
            for field in fields(self)
        }
        return replace(self, **values)


@dataclass(frozen=True, kw_only=True)
class Idiom:
    """The musical style of one genre.

    Attributes
    ----------
    tempo : tuple of float
        Range in beats per minute.
    swing : tuple of float
        Range of the position of the off-beat in a beat: 0.5 straight, 0.667 triplet.
    swung : float
        Length of the swung unit in beats: 1 swings eighth notes, 0.5 sixteenth notes.
    waltz : float
        Share of the artists who play in three-four time.
    modes, progressions, forms : tuple of str
        Scales, chord progressions and song forms to choose from. A form is a string
        of sections: Intro, Verse, Chorus, Solo, Break.
    grooves : tuple of dict
        Drum patterns, instrument name to pattern.
    bass, comping : tuple of str
        Patterns of bass and accompaniment.
    line_ups : tuple of Band
        Instruments; shuffled once per corpus and assigned to the artists in turn.
    """

    tempo: tuple[float, float]
    swing: tuple[float, float] = (0.5, 0.52)
    swung: float = 1.0
    waltz: float = 0.0
    modes: tuple[str, ...]
    progressions: tuple[str, ...]
    forms: tuple[str, ...]
    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    comping: tuple[str, ...]
    melody: Melody = Melody()
    line_ups: tuple[Band, ...]
    sound: Sound = Sound()
    neighbours: tuple[str, ...]


_BLUES = Idiom(
    tempo=(66, 136),
    swing=(0.58, 0.68),
    modes=("mixolydian", "mixolydian", "dorian"),
    progressions=(
        "I7 | I7 | I7 | I7 | IV7 | IV7 | I7 | I7 | V7 | IV7 | I7 | V7",
        "I7 | IV7 | I7 | I7 | IV7 | IV7 | I7 | VI7 | ii7 | V7 | I7 VI7 | ii7 V7",
        "i7 | i7 | i7 | i7 | iv7 | iv7 | i7 | i7 | bVI7 | V7 | i7 | V7",
        "I7 | V7 | IV7 | IV7 | I7 | V7 | I7 IV7 | I7 V7",
    ),
    forms=("VSVS", "VVSV", "IVVSB"),
    grooves=(
        {"kick": "x.......x.......", "snare": "....x.......x...", "ride": "x...x..xx...x..x"},
        {"kick": "x...x...x...x...", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "x.....x.x.......", "rim": "....x.......x...", "hat": "x.o.x.o.x.o.x.o."},
        {"pedal": "....x.......x...", "brush": "x..xx..xx..xx..x"},
    ),
    bass=(
        "R---3---5---7---",
        "R-R-3-3-5-5-7-5-",
        "R---5---8---5---",
        "R-----R-5-----a-",
        "R---w---w---a---",
    ),
    comping=(
        "strum:x-x-x-x-x-x-x-x-",
        "block:....x.......x...",
        "block:x-----x.....x-..",
        "shuffle:x-x-x-x-x-x-x-x-",
        "arpeggio:x-x-x-x-x-x-x-x-",
    ),
    melody=Melody(
        density=(0.8, 2.2), syncopation=0.5, legato=0.8, centre=68, scale="minor pentatonic"
    ),
    line_ups=(
        Band(kit=8, bass=32, comp=27, colour=0, lead=22, solo=27),
        Band(kit=0, bass=33, comp=26, colour=16, lead=29, solo=29),
        Band(comp=25, lead=22, solo=25),
        Band(kit=32, bass=32, comp=0, lead=26, solo=0),
        Band(kit=0, bass=33, comp=27, colour=61, lead=66, solo=27),
    ),
    sound=Sound(low=0, mid=3, high=-5, lowpass=6500, drive=0.3, crackle=2.5, noise=-56, level=-3),
    neighbours=("rock", "jazz", "country"),
)

_CLASSICAL = Idiom(
    tempo=(58, 138),
    modes=("major", "major", "harmonic minor", "minor"),
    progressions=(
        "I | V7 | I | IV I | ii | V | I V | I",
        "I | vi | ii | V7 | I | IV | V7 | I",
        "i | iv | V7 | i | bVI | iv | V7 | i",
        "i | V | i | bVII | bIII | iv | i V | i",
        "I | V | vi | iii | IV | I | IV | V",
    ),
    forms=("VCVB", "VVCS", "IVCV"),
    waltz=0.35,
    grooves=({}, {"timpani": "x.......?......."}, {}),
    bass=(
        "R---------------",
        "R-------5-------",
        "R---8---5---3---",
        "R-----------a---",
        "R-3-5-3-R-3-5-3-",
    ),
    comping=(
        "alberti:x-x-x-x-x-x-x-x-",
        "arpeggio:xxxxxxxxxxxxxxxx",
        "block:x-------x-------",
        "block:x---x---x---x---",
        "block:..x-..x-..x-..x-",
        "pad:x---------------",
    ),
    melody=Melody(density=(0.8, 2.6), syncopation=0.08, legato=0.95, centre=74),
    line_ups=(
        Band(bass=42, comp=48, colour=41, lead=40, solo=42),
        Band(comp=0, lead=0, solo=0),
        Band(kit=48, bass=43, comp=48, colour=60, pad=49, lead=73, solo=68),
        Band(bass=43, comp=6, pad=48, lead=40, solo=73),
        Band(comp=46, pad=49, lead=73, solo=71),
        Band(comp=24, lead=24, solo=24),
        Band(bass=19, comp=19, lead=19, solo=19),
    ),
    sound=Sound(
        low=-3,
        high=-3,
        lowpass=8500,
        drive=0.0,
        squash=0.05,
        room=0.35,
        decay=1.8,
        noise=-68,
        level=-5,
    ),
    neighbours=("jazz", "pop"),
)

_COUNTRY = Idiom(
    tempo=(78, 156),
    swing=(0.5, 0.6),
    waltz=0.15,
    modes=("major", "major", "mixolydian"),
    progressions=(
        "I | I | IV | I | I | I | V | V",
        "I | IV | I | V7 | I | IV | V7 | I",
        "I | V | vi | IV | I | V | I | I",
        "I | I7 | IV | IV | I | II7 | V7 | V7",
    ),
    forms=("VCVC", "IVCS", "VVCS"),
    grooves=(
        {"kick": "x.......x.......", "snare": "....x.......x..x", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "x.......x.......", "brush": "o.xoo.xoo.xoo.xo", "rim": "....x.......x..."},
        {"kick": "x...x...x...x...", "snare": "..x...x...x...x.", "hat": "x...x...x...x..."},
        {"kick": "x.....x.x.......", "snare": "....X.......X...", "tambourine": "..x...x...x...x."},
    ),
    bass=("R-------5-------", "R---....5---....", "R-------5-----a-", "R---R-3-5---5-a-"),
    comping=(
        "strum:....x-......x-..",
        "strum:x-..x-x-x-..x-x-",
        "arpeggio:x-x-x-x-x-x-x-x-",
        "arpeggio:xx.xx.xxxx.xx.x.",
        "block:....x.......x...",
    ),
    melody=Melody(density=(1.0, 2.4), syncopation=0.25, centre=72, scale="major pentatonic"),
    line_ups=(
        Band(kit=0, bass=33, comp=25, colour=27, lead=22, solo=27),
        Band(kit=32, bass=32, comp=25, colour=105, lead=110, solo=105),
        Band(bass=32, comp=105, colour=25, lead=40, solo=24),
        Band(kit=8, bass=33, comp=25, colour=0, pad=48, lead=53, solo=40),
        Band(kit=0, bass=33, comp=27, colour=25, lead=66, solo=27),
    ),
    sound=Sound(low=-5, mid=1, high=4, drive=0.1, room=0.1, level=-2),
    neighbours=("rock", "pop", "blues"),
)

_DISCO = Idiom(
    tempo=(100, 134),
    modes=("dorian", "minor", "major"),
    progressions=(
        "i7 | i7 | iv7 | iv7",
        "i7 | bVII | bVImaj7 | V7",
        "ii7 | V7 | Imaj7 | vi7",
        "i7 | IV7 | i7 | IV7",
        "vi7 | ii7 | V7 | Imaj7",
    ),
    forms=("IVCB", "VCBC", "VCVB"),
    grooves=(
        {"kick": "X...X...X...X...", "snare": "....x.......x...", "open": "..x...x...x...x."},
        {
            "kick": "X...X...X...X...",
            "clap": "....X.......X...",
            "hat": "xxoxxxoxxxoxxxox",
            "open": "..x...x...x...x.",
        },
        {
            "kick": "X...X...X...X...",
            "snare": "....x..o.o..x...",
            "conga": "x..x..x...x.x.x.",
            "hat": "x.x.x.x.x.x.x.x.",
        },
        {
            "kick": "X...X...X...X.?.",
            "snare": "....X.......X...",
            "tambourine": "x.xxx.xxx.xxx.xx",
            "open": "..x...x...x...x.",
        },
    ),
    bass=("R-8-R-8-R-8-R-8-", "R..R8...R..R8.a.", "R.8.5.8.R.8.7.8.", "R---..R.8.R.7.5."),
    comping=(
        "strum:x.xx.xx.x.xx.xx.",
        "strum:..x...x...x...x.",
        "block:x--x--x-..x-x---",
        "block:..x-..x-..x-..x-",
        "arpeggio:x.xxx.xxx.xxx.xx",
    ),
    melody=Melody(density=(1.0, 2.4), syncopation=0.5, legato=0.7, centre=74),
    line_ups=(
        Band(kit=0, bass=33, comp=28, colour=4, pad=48, lead=53, solo=48),
        Band(kit=8, bass=36, comp=28, colour=61, pad=48, lead=61, solo=65),
        Band(kit=24, bass=38, comp=81, colour=7, pad=50, lead=80, solo=81),
        Band(kit=0, bass=37, comp=27, colour=0, pad=44, lead=52, solo=73),
        Band(kit=16, bass=39, comp=28, colour=62, pad=51, lead=53, solo=62),
    ),
    sound=Sound(low=3, mid=-4, high=6, drive=0.15, squash=0.5, pump=0.5),
    neighbours=("pop", "hiphop", "reggae"),
)

_HIPHOP = Idiom(
    tempo=(76, 118),
    swing=(0.5, 0.62),
    swung=0.5,
    modes=("minor", "dorian", "minor"),
    progressions=(
        "i7 | i7 | i7 | i7",
        "i7 | iv7",
        "i7 | bVImaj7 | iv7 | V7",
        "i | bVII | bVI | bVII",
        "ii7 | V7 | i9 | i9",
    ),
    forms=("VCVB", "VVCB", "IVVC"),
    grooves=(
        {"kick": "X..x..x...x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.....xx..x....x", "snare": "....X..o.o..X...", "hat": "x.x.xxx.x.x.x.xx"},
        {"kick": "X..x....x.x.....", "clap": "....X.......X...", "hat": "xxxxx.xxxxxxx?xx"},
        {
            "kick": "X.x.......x..x..",
            "snare": "....X.......X..?",
            "open": "..x...........x.",
            "shaker": "x.xxx.xxx.xxx.xx",
        },
    ),
    bass=("R-----R---5---..", "R---------R--R..", "R--R--R-........", "R-------..R-7-a-"),
    comping=(
        "block:x-----x---..x---",
        "block:x...........x...",
        "arpeggio:x-x-x-..x-x-x-..",
        "pad:x---------------",
        "strum:..x...x...x...x.",
    ),
    melody=Melody(
        density=(0.7, 2.6), syncopation=0.6, legato=0.55, centre=66, scale="minor pentatonic"
    ),
    line_ups=(
        Band(kit=25, bass=38, comp=4, pad=50, lead=80, solo=4),
        Band(kit=0, bass=33, comp=0, colour=48, lead=73, solo=0),
        Band(kit=24, bass=39, comp=88, colour=11, lead=87, solo=11),
        Band(kit=8, bass=32, comp=26, colour=4, lead=65, solo=56),
        Band(kit=25, bass=38, comp=46, pad=52, lead=53, solo=46),
    ),
    sound=Sound(
        low=7,
        mid=-2.5,
        high=-1,
        lowpass=9500,
        drive=0.3,
        squash=0.55,
        room=0.06,
        pump=0.1,
        crackle=1.0,
    ),
    neighbours=("reggae", "pop", "disco", "jazz"),
)

_JAZZ = Idiom(
    tempo=(72, 172),
    swing=(0.56, 0.67),
    waltz=0.1,
    modes=("major", "dorian", "mixolydian"),
    progressions=(
        "ii7 | V13 | Imaj7 | Imaj7 | ii7 | V13 | Imaj7 | VI7",
        "Imaj7 VI7 | ii7 V7 | iii7 VI7 | ii7 V7 | I7 | IVmaj7 bVII7 | iii7 VI7 | ii7 V7",
        "iio7 | V7 | i7 | i7 | iv7 | bVII7 | bIIImaj7 | V7",
        "i9 | i9 | i9 | i9 | bii9 | bii9 | i9 | i9",
        "I7 | IV7 | I7 | v7 I7 | IV7 | #IVo | I7 | VI7 | ii7 | V7 | I7 VI7 | ii7 V7",
    ),
    forms=("VSSV", "VVSS", "SSVB"),
    grooves=(
        {"ride": "x...x..xx...x..x", "pedal": "....x.......x...", "snare": "...?......?....?"},
        {"brush": "x..xx..xx..xx..x", "pedal": "....x.......x...", "kick": "o.......o......."},
        {"ride": "x...x...x...x...", "kick": "x.....?...?.....", "snare": "..?...?....?...?"},
        {
            "ride": "x...x...x...x...",
            "rim": "..x...x.....x...",
            "kick": "x.....x.x.....x.",
            "pedal": "....x.......x...",
        },
    ),
    bass=("R---w---w---a---", "R---w---w-w-a---", "R-------5-----a-", "R-----5-8-----a-"),
    comping=(
        "block:..x-........x-..",
        "block:x-....x-........",
        "block:......x-......x-",
        "strum:x---x---x---x---",
        "block:x-----x-....x...",
    ),
    melody=Melody(density=(1.2, 3.2), syncopation=0.5, legato=0.8, centre=70),
    line_ups=(
        Band(kit=32, bass=32, comp=0, lead=65, solo=56),
        Band(kit=32, bass=32, comp=0, lead=0, solo=0),
        Band(kit=32, bass=32, comp=26, colour=0, lead=66, solo=26),
        Band(kit=32, bass=32, comp=11, lead=59, solo=11),
        Band(kit=0, bass=32, comp=0, colour=57, pad=None, lead=61, solo=64),
        Band(kit=8, bass=35, comp=4, lead=56, solo=4),
    ),
    sound=Sound(
        low=3, mid=-2, high=-2, lowpass=9000, drive=0.0, squash=0.1, room=0.25, noise=-68, level=-5
    ),
    neighbours=("blues", "classical", "hiphop"),
)

_METAL = Idiom(
    tempo=(88, 172),
    modes=("phrygian", "minor", "harmonic minor"),
    progressions=(
        "i5 | i5 | bVI5 | bVII5",
        "i5 | bII5 | i5 | bVII5",
        "i5 | bIII5 | bVI5 | V5",
        "i5 | i5 | bV5 | IV5",
        "i5 bVII5 | bVI5 | iv5 | V5",
    ),
    forms=("IVCS", "VCVS", "IVCB"),
    grooves=(
        {"kick": "x.xxx.xxx.xxx.xx", "snare": "....X.......X...", "hat": "X...X...X...X..."},
        {"kick": "xxxxxxxxxxxxxxxx", "snare": "....X.......X...", "china": "X.......X......."},
        {"kick": "X.x...x.X.x...x.", "snare": "....X.......X...", "ride": "X...X...X...X..."},
        {"kick": "X.....x...x.....", "snare": "........X.......", "china": "X...X...X...X..."},
    ),
    bass=("R.RRR.RRR.RRR.RR", "R-R-R-R-R-R-R-R-", "RRRRRRRRRRRRRRRR", "R---R-R-R---R-8-"),
    comping=(
        "power:x.xxx.xxx.xxx.xx",
        "power:x---x.x.x---x.x.",
        "power:x-------x---x-x-",
        "power:xxxxxxxxx---x---",
        "power:x-.xx-.xx-.xx-x-",
    ),
    melody=Melody(density=(1.2, 3.4), syncopation=0.2, legato=0.9, centre=74),
    line_ups=(
        Band(kit=16, bass=34, comp=30, colour=30, lead=30, solo=30),
        Band(kit=16, bass=34, comp=29, pad=52, lead=84, solo=30),
        Band(kit=0, bass=33, comp=30, lead=29, solo=29),
        Band(kit=8, bass=34, comp=30, pad=48, lead=87, solo=30),
        Band(kit=16, bass=36, comp=29, colour=19, lead=30, solo=81),
    ),
    sound=Sound(low=2, mid=3, high=4.5, drive=0.6, squash=0.85, room=0.08, level=-0.7),
    neighbours=("rock", "rock", "classical"),
)

_POP = Idiom(
    tempo=(84, 134),
    modes=("major", "major", "minor"),
    progressions=(
        "I | V | vi | IV",
        "vi | IV | I | V",
        "I | vi | IV | V",
        "I | IV | vi | V",
        "ii7 | IV | I | V",
        "Imaj7 | iii7 | IVmaj7 | Vsus4 V",
    ),
    forms=("IVCV", "VCBC", "VCSC"),
    grooves=(
        {"kick": "X.....x.X.....x.", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X...X...X...X...", "clap": "....X.......X...", "hat": "..x...x...x...x."},
        {"kick": "X..x..x.X..x....", "snare": "....X.......X...", "shaker": "xoxoxoxoxoxoxoxo"},
        {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "xxxxxxxxxxxxxxxx"},
    ),
    bass=("R-R-R-R-R-R-R-R-", "R-----R-R-----5-", "R---..R-R---..a-", "R-------R-------"),
    comping=(
        "block:x---x---x---x---",
        "arpeggio:x-x-x-x-x-x-x-x-",
        "strum:x---x-x-..x-x-x-",
        "block:x--x--x---x--x--",
        "pad:x---------------",
        "arpeggio:xxxxxxxxxxxxxxxx",
    ),
    melody=Melody(density=(1.0, 2.2), syncopation=0.35, centre=74, scale="major pentatonic"),
    line_ups=(
        Band(kit=0, bass=33, comp=0, colour=25, pad=48, lead=53, solo=27),
        Band(kit=24, bass=38, comp=81, colour=90, pad=50, lead=85, solo=80),
        Band(kit=25, bass=39, comp=4, colour=46, pad=89, lead=54, solo=82),
        Band(kit=8, bass=33, comp=25, colour=27, lead=53, solo=65),
        Band(kit=16, bass=34, comp=27, colour=5, pad=51, lead=54, solo=28),
    ),
    sound=Sound(low=2, mid=1.5, high=2, drive=0.15, squash=0.8, room=0.2, pump=0.1, level=-0.7),
    neighbours=("disco", "rock", "hiphop", "country"),
)

_REGGAE = Idiom(
    tempo=(64, 112),
    swing=(0.5, 0.6),
    modes=("minor", "dorian", "major"),
    progressions=(
        "I | IV | I | V",
        "i | iv | i | iv",
        "I | V | vi | IV",
        "i | bVII | bVI | bVII",
        "ii | I | ii | I",
    ),
    forms=("VCVB", "IVCB", "VVCS"),
    grooves=(
        {"kick": "........X.......", "rim": "........X.......", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "x.......X.......", "snare": "........x....?..", "hat": "x.xxx.xxx.xxx.xx"},
        {"kick": "X...X...X...X...", "rim": "........X..?..?.", "hat": "..x...x...x...x."},
        {
            "kick": "........X.......",
            "snare": "........X......?",
            "bongo": "?.x..x..?.x.xx..",
            "hat": "x.x.x.x.x.x.x.x.",
        },
    ),
    bass=("R---..R-5-3-....", "....R-R-3-5-..R-", "R--R..R-..5-3-..", "R-R-....R-8-5-a-"),
    comping=(
        "block:....x.......x...",
        "strum:....X.......X...",
        "block:....x.......x.x.",
        "bubble:..x.xx....x.xx..",
        "block:..x...x...x...x.",
    ),
    melody=Melody(density=(0.7, 1.9), syncopation=0.45, legato=0.75, centre=70),
    line_ups=(
        Band(kit=0, bass=33, comp=27, colour=16, lead=53, solo=22),
        Band(kit=8, bass=33, comp=28, colour=0, lead=57, solo=56),
        Band(kit=0, bass=39, comp=16, colour=27, lead=22, solo=16),
        Band(kit=32, bass=32, comp=25, colour=17, lead=54, solo=25),
        Band(kit=25, bass=38, comp=81, colour=27, pad=50, lead=53, solo=61),
    ),
    sound=Sound(low=7, mid=0, high=-4, lowpass=8000, drive=0.1, squash=0.35, room=0.22, decay=1.2),
    neighbours=("hiphop", "pop", "disco"),
)

_ROCK = Idiom(
    tempo=(84, 156),
    modes=("mixolydian", "major", "minor"),
    progressions=(
        "I | bVII | IV | I",
        "I | IV | V | IV",
        "i | bVI | bIII | bVII",
        "I5 | I5 | bIII5 | IV5",
        "I | V | IV | IV",
        "i | bVII | bVI | V",
    ),
    forms=("IVCS", "VCVC", "VCSC"),
    grooves=(
        {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
        {"kick": "X.x...x.X.x.....", "snare": "....X.......X...", "ride": "x...x...x...x..."},
        {"kick": "X.....x...x.....", "snare": "....X.......X..o", "open": "x...x...x...x..."},
        {"kick": "X...X...X...X...", "snare": "..X...X...X...X.", "hat": "x.x.x.x.x.x.x.x."},
    ),
    bass=("R-R-R-R-R-R-R-R-", "R-----R-R-R-5-a-", "R---R---R---5-7-", "R-------R---a---"),
    comping=(
        "power:x-x-x-x-x-x-x-x-",
        "strum:x---x-x---x-x-x-",
        "power:x-----x---x-----",
        "strum:x-xxx-x-x-xxx-x-",
        "arpeggio:x-x-x-x-x-x-x-x-",
        "shuffle:x-x-x-x-x-x-x-x-",
    ),
    melody=Melody(
        density=(1.0, 2.4), syncopation=0.35, legato=0.85, centre=71, scale="minor pentatonic"
    ),
    line_ups=(
        Band(kit=16, bass=34, comp=29, colour=25, lead=53, solo=29),
        Band(kit=0, bass=33, comp=30, colour=27, lead=54, solo=30),
        Band(kit=8, bass=33, comp=27, colour=16, lead=22, solo=29),
        Band(kit=0, bass=34, comp=25, colour=29, pad=48, lead=53, solo=27),
        Band(kit=16, bass=33, comp=29, colour=0, lead=66, solo=29),
    ),
    sound=Sound(low=0, mid=3.5, high=1.5, drive=0.4, squash=0.55, room=0.12, level=-1),
    neighbours=("blues", "metal", "country", "pop"),
)

IDIOMS = MappingProxyType(
    {
        "blues": _BLUES,
        "classical": _CLASSICAL,
        "country": _COUNTRY,
        "disco": _DISCO,
        "hiphop": _HIPHOP,
        "jazz": _JAZZ,
        "metal": _METAL,
        "pop": _POP,
        "reggae": _REGGAE,
        "rock": _ROCK,
    }
)
