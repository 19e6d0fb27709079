"""What names people goes, what measures them stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.privacy import is_pseudonym, leaks, scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Compared with 2019-03-04.", "Compared with ___."),
        ("Compared with 3/4/2019, stable.", "Compared with ___, stable."),
        ("Seen on March 4, 2019 too.", "Seen on ___ too."),
        ("Seen on 4 March 2019.", "Seen on ___."),
        ("Prior of Jan 2018 normal.", "Prior of ___ normal."),
        ("Discussed at 14:35 by phone.", "Discussed at ___ by phone."),
        ("Discussed at 2:35 p.m. today.", "Discussed at ___ today."),
        ("Called Dr. Jane Smith.", "Called ___."),
        ("Findings told to Dr. O'Neil.", "Findings told to ___."),
        ("Mrs. Müller-Meier was told.", "___ was told."),
        ("Signed by John Q. Smith, MD.", "Signed by ___."),
        ("Read by Jane Doe M.D.", "Read by ___."),
        ("MRN: 1234567 noted.", "___ noted."),
        ("Accession number A12-3456.", "___."),
        ("Pager 55123, call.", "___, call."),
        ("Call (555) 123-4567.", "Call ___."),
        ("Call 555-123-4567.", "Call ___."),
        ("Write to a.b@clinic.org.", "Write to ___."),
        ("Patient 00123456 seen.", "Patient ___ seen."),
    ],
)
def test_identifiers_are_blanked(text, expected):
    assert scrub(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "A 12 x 15 mm nodule, 1.5 cm from the hilum.",
        "Wedging of T12 and L1, ribs 10-11.",
        "Opacity at the 6:00 position.",
        "Tube tip 4.2 cm above the carina, at T3/T4.",
        "Compared with ___, XXXX is stable.",
        "The heart may be enlarged; 2/3 of the lung is clear.",
        "Cardiothoracic ratio 0.55, grade 3/6.",
        "The left lower lobe may show 5 mm calcification.",
    ],
)
def test_measures_and_blanks_stay(text):
    assert scrub(text) == (text, {})


@given(st.text(max_size=200))
def test_scrubbing_twice_is_scrubbing_once(text):
    once, _ = scrub(text)

    assert scrub(once)[0] == once


def test_counts_say_which_rules_fired():
    assert scrub("Dr. Smith on 3/4/2019 and 5/6/2019")[1] == {"name": 1, "date": 2}


def test_pseudonyms_have_their_kind():
    assert is_pseudonym("patient", "patient-0123456789ab")
    assert not is_pseudonym("patient", "study-0123456789ab")
    assert not is_pseudonym("patient", "DOE^JANE")


def test_leaks_are_counted_whatever_the_case():
    assert leaks(b"...doe^jane...", ["DOE^JANE", "1970"]) == 1
