"""Letter-to-sound rules for words that no dictionary holds.

A rule names letters, optionally with what must stand before and after them, and the
phones that they give; the longest rule that fits is used, as in Elovitz et al.,
Letter-to-Sound Rules for Automatic Translation of English Text to Phonetics, IEEE
Trans. ASSP 24, 1976. The rules are our own and lean to the Greek and Latin words of
medicine. A guess need not be right, only near enough to find the word in the sound.
"""

import re
from functools import cache

PHONES = frozenset(
    [
        *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY"),
        *("F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P"),
        *("R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
    ]
)
"""ARPABET without stress, as the acoustic model knows it."""

LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F",
    "g": "JH IY", "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L",
    "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R",
    "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW",
    "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip
"""Name of each letter."""

_RULES = """
tion     SH AH N
sion     ZH AH N
ssion    SH AH N
cian     SH AH N
cious    SH AH S
tious    SH AH S
tial     SH AH L
cial     SH AH L
ture     CH ER
sure     ZH ER
eous$    IY AH S
ious$    IY AH S
ous$     AH S
ology    AA L AH JH IY
ography  AA G R AH F IY
ectasis  EH K T AH S IH S
ectomy   EH K T AH M IY
ostomy   AA S T AH M IY
otomy    AA T AH M IY
itis     AY T IH S
osis$    OW S IH S
iasis$   AY AH S IH S
oid$     OY D
able$    AH B AH L
ible$    AH B AH L
able     EY B AH L
ism$     IH Z AH M
ight     AY T
ough     AO
augh     AO
eigh     EY
^ps      S
^pn      N
^pt      T
^kn      N
^gn      N
^wr      R
^x       Z
^rh      R
pneumo   N UW M OW
psych    S AY K
cysto    S IH S T OW
peri     P EH R IH
hemi     HH EH M IY
inter    IH N T ER
thorac   TH AO R AE K
thorax   TH AO R AE K S
cardi    K AA R D IY
gastr    G AE S T R
bronch   B R AA NG K
trache   T R EY K IY
media    M IY D IY AH
ph       F
th       TH
sh       SH
sch      SH
tch      CH
ch       CH
chr      K R
rh       R
rrh      R
ck       K
cc(?=[eiy])  K S
cc       K
c(?=[eiy])   S
c        K
dg(?=e)  JH
dd       D
d        D
gg       G
gh       G
gu(?=[aeio]) G W
g(?=[eiy])   JH
g        G
qu       K W
q        K
sc(?=[eiy])  S
ss       S
(?<=[bdgvmnlr])s$  Z
es$      IH Z
s        S
tt       T
t        T
pp       P
p        P
bb       B
b        B
ff       F
f        F
hh       HH
h        HH
j        JH
kk       K
k        K
ll       L
le$      AH L
l        L
mm       M
m        M
nn       N
ng$      NG
nk       NG K
n        N
rr       R
r        R
v        V
wh       W
w        W
x        K S
zz       Z
z        Z
ae       IY
ai       EY
ay       EY
au       AO
aw       AO
al(?=[kl])  AO L
ar       AA R
are$     EH R
ary$     EH R IY
a(?=[^aeiouywx]e$)  EY
a(?=[^aeiouywx]i)   EY
a$       AH
^a       AH
al$      AH L
ar$      ER
a        AE
ea       IY
ear      IH R
ee       IY
ei       AY
eu       UW
ew       UW
er       ER
ere$     IH R
ey$      IY
e(?=[^aeiouywx]e$)  IY
ed$      D
e$
en$      AH N
el$      AH L
e        EH
ia       IY AH
io       IY OW
iu       IY AH
ie       IY
ier      IY ER
ir       ER
ing      IH NG
igh      AY
ic$      IH K
i(?=[^aeiouywx]e$)  AY
i$       IY
i        IH
oa       OW
oe       IY
oi       OY
oo       UW
ou       AW
ow       OW
oy       OY
or       AO R
ory$     AO R IY
o(?=[^aeiouywx]e$)  OW
o(?=[^aeiouywx][aeiouy])  OW
o$       OW
on$      AH N
or$      ER
o        AA
ui       UW
ue$      UW
ur       ER
um$      AH M
us$      AH S
u(?=[^aeiouywx][aeiouy])  Y UW
u        AH
^y       Y
y$       IY
y(?=[^aeiouywx]e$)  AY
y        IH
"""
"""Pattern, then the phones; where several fit, the one with the most letters."""


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    rules = []
    for line in _RULES.strip().splitlines():
        pattern, _, phones = line.partition(" ")
        rules.append((re.compile(pattern), phones.strip()))
    return tuple(rules)


def guess(word: str) -> str:
    """Return the likely phones of a word, joined by blanks.

    Args:
        word: Lower case; signs other than the letters a to z are passed over.

    Raises:
        ValueError: `word` holds no letter.
    """
    letters = re.sub(r"[^a-z]", "", word)
    if not letters:
        raise ValueError(f"word must hold a letter from a to z, got {word!r}")
    phones: list[str] = []
    place = 0
    while place < len(letters):
        hits = [(m, p) for r, p in _rules() if (m := r.match(letters, place))]
        match, sound = max(hits, key=lambda hit: (hit[0].end(), len(hit[0].re.pattern)))
        phones += sound.split()
        place = match.end()
    return " ".join(phones) or LETTERS[letters[0]]
