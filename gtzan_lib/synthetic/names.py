"""Names of the invented artists and of their songs.

Each genre has its own words, and an artist's number selects one pair of them,
so that names are unique within a corpus.
"""

import numpy as np

__all__ = ["CAPACITY", "artist_name", "song_title"]

_WORDS = {
    "blues": (
        "Mudlark Hollowleg Catfishy Rustgate Oldboot Gravelpot Moonshed Lowtrestle Dustpan"
        " Slowferry",
        "Ambrose|Tilda & the Levees|Jukes Trio|Porchmen|Wendell|Harmonicats|Otis Pym|Ferrymen"
        "|Shufflers|Widow Marsh",
    ),
    "classical": (
        "Aldermoor Vintersang Castellune Brindlehof Orlenza Saint-Quillon Marwitz Pellegrand"
        " Tarnsee Lindqvale",
        "Chamber Players|Quartet|Philharmonia|Consort|Collegium|Sinfonietta|Camerata"
        "|Keyboard Society|Wind Soloists|String Academy",
    ),
    "country": (
        "Tumbleforth Pickettbrook Hayfork Buttermilk Saddlewick Bramblejack Cornhusk Fiddlewood"
        " Dustybell Larkspurs",
        "County Ramblers|Sisters|& the Haywains|Boone Fettle|Drifters' Union|String Band|Junction"
        "|Cassidy Plum|Wagoneers|Loretta Quill",
    ),
    "disco": (
        "Glitterhaus Velourium Mirrorina Starshoe Champagnette Roulettia Satinesque Platformula"
        " Boogalux Nightfizz",
        "Connection|Express|Orchestra de Luxe|Sensation|& the Sequins|Affair|Assembly|Machine"
        "|Boulevard|Fantasia",
    ),
    "hiphop": (
        "MC-Ovaltone Kilowatt-Kid Subway-Sage Backspin-Bo Verbalite Lo-Res Dialtone Concretix"
        " Eighty-Eight-Fox Brixtape",
        "Syndicate|& DJ Crumb|Unit|Collective|Cipher|& Professor Static|Crewneck|Tape Club"
        "|Breakdown|Block Council",
    ),
    "jazz": (
        "Blueplum Ravenhurst Minton-Grey Thelmore Cobaltine Saxby Nocturnelle Fifty-Third-Lamp"
        " Underhat Quillroy",
        "Quintet|Trio|Big Band|Octet|Swing Society|Cool Ensemble|Seven|Night Workshop|Five"
        "|Standards Committee",
    ),
    "metal": (
        "Ironvesper Grimhollows Skulforge Ashenwyrm Doomkettle Hexhammer Wolfgrave Obsidrake"
        " Blacktalon Thornecrypt",
        "Ascendancy|Eclipse|Legion|of Northmoor|Requiem Engine|Horde|Covenant IX|Furnace"
        "|Catacomb|Oblivion Choir",
    ),
    "pop": (
        "Candyloop Sugarvale Neonelle Popsicala Daydreamia Bubblyte Heartbyte Summerine Pastelle"
        " Twinklet",
        "Avenue|& the Crushes|Girls Next Year|Polaroids|Parade|Weekenders|Valentine Row|Signals"
        "|Holiday Club|Boys of June",
    ),
    "reggae": (
        "Irielight Sunbushel Rootsman-Kell Palmgate Islandry Echo-Quarry Goldcoastal Bunnyroot"
        " Dubwright Trenchpalm",
        "& the Upstrokes|Sound System|Skankers|Dub Station|Harmonisers|Riddim Works|& Sons"
        "|Rockers Union|Steppers|Lion Yard",
    ),
    "rock": (
        "Velvet-Anvil Stonewhistle Gasolyte Kerosenia Hollow-Magnets Thunderpost Ragged-Crown"
        " Amplifolk Rattlebridge Copperhowl",
        "Revival|Cartel|& the Leadfeet|Motorway|Exiles|Overdrive Society|Parlour|Avalanche Co."
        "|Brothers Grist|Tax",
    ),
}
_OPENINGS = [
    "Midnight",
    "Paper",
    "Golden",
    "Slow",
    "Second",
    "Northern",
    "Silver",
    "Borrowed",
    "Empty",
    "Yellow",
    "Last",
    "Summer",
    "Wooden",
    "Electric",
    "Distant",
    "Quiet",
    "Broken",
    "Seventh",
    "Rolling",
    "Hidden",
]
_ENDINGS = [
    "Letter",
    "River",
    "Window",
    "Train",
    "Carousel",
    "Harbour",
    "Promise",
    "Garden",
    "Avenue",
    "Mirror",
    "Lantern",
    "Weather",
    "Highway",
    "Shadow",
    "Kitchen",
    "Telephone",
    "Orchard",
    "Engine",
    "Circus",
    "Winter",
]

CAPACITY = 100
"""Number of artist names per genre."""


def artist_name(genre: str, index: int, *, rng: np.random.Generator) -> str:
    """Return the name of the artist `index` (0 to `CAPACITY` - 1) of a genre.

    `rng` must be in the same state for all artists of the genre: it shuffles the
    words, and each index then selects another pair.
    """
    first, second = (rng.permutation(w) for w in _split(genre))
    # Stepping through both lists at once gives consecutive artists no word in common.
    return f"{first[index % 10]} {second[(index + index // 10) % 10]}"


def song_title(*, rng: np.random.Generator) -> str:
    """Return a title of two words; different songs may share a title."""
    return f"{rng.choice(_OPENINGS)} {rng.choice(_ENDINGS)}"


def _split(genre: str) -> tuple[list[str], list[str]]:
    first, second = _WORDS[genre]
    # A hyphen stands for a blank within a name.
    return [word.replace("-", " ") for word in first.split()], second.split("|")
