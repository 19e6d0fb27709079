import math

from capture.simulation.profile import ReaderProfile


def test_the_same_seed_draws_the_same_reader():
    assert ReaderProfile.drawn("a", 3, 1) == ReaderProfile.drawn("a", 3, 1)


def test_readers_differ_and_stay_within_what_people_do():
    readers = [ReaderProfile.drawn("a", 0, i) for i in range(30)]

    assert len({reader.lead_s for reader in readers}) > 20
    assert all(1.0 <= r.lead_s <= 1.5 for r in readers)
    assert all(140 <= r.words_per_minute <= 190 for r in readers)
    assert all(0.299 <= math.hypot(*r.offset_deg) <= 0.601 for r in readers)
    assert all(0.05 <= noise <= 0.3 for r in readers for noise in r.noise_deg)


def test_the_first_ten_readers_have_ten_voices():
    assert len({ReaderProfile.drawn("a", 0, i).voice for i in range(10)}) == 10
