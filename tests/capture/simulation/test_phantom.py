import numpy as np
import pytest

from capture.errors import UnknownNameError
from capture.simulation.findings import PREVALENCE, choose_findings
from capture.simulation.phantom import make_phantom, to_display

HEIGHT_PX = 160


def values_in(phantom, box):
    shown = to_display(phantom).astype(float)
    height, width = shown.shape
    x0, y0, x1, y1 = box
    return shown[
        round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)
    ]


def test_a_seed_fixes_every_pixel():
    first = make_phantom(7, height_px=HEIGHT_PX)

    again = make_phantom(7, height_px=HEIGHT_PX)

    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.findings == again.findings


def test_another_seed_is_another_patient():
    first, other = (make_phantom(seed, height_px=HEIGHT_PX) for seed in (1, 2))

    assert first.anatomy != other.anatomy


@pytest.mark.parametrize("seed", range(6))
def test_the_same_seed_is_the_same_patient_at_every_height(seed):
    small = make_phantom(seed, height_px=HEIGHT_PX)

    large = make_phantom(seed, height_px=4 * HEIGHT_PX)

    assert large.findings == small.findings
    assert large.anatomy == small.anatomy
    blocks = to_display(large)[: 4 * HEIGHT_PX].astype(float)
    height, width = small.pixels.shape
    blocks = blocks[:, : 4 * (blocks.shape[1] // 4)]
    coarse = blocks.reshape(height, 4, -1, 4).mean((1, 3))
    width = min(width, coarse.shape[1])
    shown = to_display(small).astype(float)[:, :width]
    assert np.corrcoef(shown.ravel(), coarse[:, :width].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("seed", range(12))
def test_a_film_has_usual_numbers(seed):
    phantom = make_phantom(seed, height_px=HEIGHT_PX)

    height, width = phantom.pixels.shape
    assert height == HEIGHT_PX
    assert 0.78 <= width / height <= 1.25
    assert phantom.pixels.dtype == np.uint16
    assert phantom.bits_stored in (12, 14, 15, 16)
    assert phantom.pixels.max() < 2**phantom.bits_stored
    assert phantom.photometric in ("MONOCHROME1", "MONOCHROME2")
    assert 250 < phantom.pixel_spacing_mm * height < 520
    assert phantom.window_width > 1


def test_films_are_2000_to_3000_pixels_high_unless_asked_otherwise():
    phantom = make_phantom(3)

    assert 2000 <= phantom.pixels.shape[0] <= 3000
    assert phantom.pixels.shape[1] <= 3000


@pytest.mark.parametrize("seed", range(10))
def test_lungs_are_darker_than_the_heart_and_the_abdomen(seed):
    phantom = make_phantom(seed, findings=[], height_px=HEIGHT_PX)

    lung = np.median(values_in(phantom, phantom.anatomy["right_lung"]))
    heart = np.median(values_in(phantom, phantom.anatomy["heart"]))
    abdomen = np.median(values_in(phantom, phantom.anatomy["abdomen"]))
    assert lung < heart
    assert lung < abdomen


@pytest.mark.parametrize("seed", range(10))
def test_the_patients_right_lies_on_the_left_of_the_film(seed):
    anatomy = make_phantom(seed, height_px=HEIGHT_PX).anatomy

    assert anatomy["right_lung"][2] < anatomy["left_lung"][2]
    assert anatomy["right_apex"][0] < anatomy["left_apex"][0]
    heart, lungs = anatomy["heart"], (anatomy["right_lung"], anatomy["left_lung"])
    middle = (lungs[0][0] + lungs[1][2]) / 2
    assert heart[2] - middle > middle - heart[0]  # most of the heart is on the left


@pytest.mark.parametrize("name", PREVALENCE)
@pytest.mark.parametrize("seed", range(4))
def test_an_ordered_finding_is_there_and_inside_the_film(name, seed):
    phantom = make_phantom(seed, findings=[name], height_px=HEIGHT_PX)

    assert {finding.name for finding in phantom.findings} == {name}
    for finding in phantom.findings:
        x0, y0, x1, y1 = finding.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("Pleural Effusion", {"right", "left"}),
        ("Pneumothorax", {"right", "left"}),
        ("Consolidation", {"right", "left"}),
        ("Lung Lesion", {"right", "left"}),
        ("Atelectasis", {"right", "left"}),
    ],
)
def test_the_box_lies_on_the_side_that_the_finding_names(name, sides):
    seen = set()
    for seed in range(12):
        phantom = make_phantom(seed, findings=[name], height_px=64)
        right, left = phantom.anatomy["right_lung"], phantom.anatomy["left_lung"]
        middle = (right[2] + left[0]) / 2
        for finding in phantom.findings:
            center = (finding.box[0] + finding.box[2]) / 2
            assert finding.side == ("right" if center < middle else "left")
            seen.add(finding.side)
    assert seen == sides


@pytest.mark.parametrize("seed", range(10))
def test_cardiomegaly_is_a_heart_wider_than_half_the_chest(seed):
    normal = make_phantom(seed, findings=[], height_px=64)
    large = make_phantom(seed, findings=["Cardiomegaly"], height_px=64)

    assert 0.36 < normal.heart_ratio <= 0.50
    assert 0.55 < large.heart_ratio < 0.70
    heart, chest = large.findings[0].box, large.anatomy
    width = chest["left_lung"][2] - chest["right_lung"][0]
    ratio = (heart[2] - heart[0]) / width
    assert ratio == pytest.approx(large.heart_ratio, abs=0.06)


def test_a_larger_effusion_is_brighter_than_the_other_angle():
    shades = []
    for seed in range(30):
        phantom = make_phantom(seed, findings=["Pleural Effusion"], height_px=96)
        if len(phantom.findings) != 1 or phantom.findings[0].severity == "small":
            continue
        side = phantom.findings[0].side
        other = "left" if side == "right" else "right"
        fluid = values_in(phantom, phantom.anatomy[f"{side}_costophrenic"]).mean()
        air = values_in(phantom, phantom.anatomy[f"{other}_costophrenic"]).mean()
        shades.append(fluid - air)
    assert len(shades) > 5
    assert np.mean(np.array(shades) > 0) > 0.85


def test_a_nodule_is_brighter_than_what_surrounds_it():
    brighter = []
    for seed in range(20):
        phantom = make_phantom(seed, findings=["Lung Lesion"], height_px=256)
        x0, y0, x1, y1 = phantom.findings[0].box
        w, h = (x1 - x0) / 2, (y1 - y0) / 2
        around = (max(x0 - w, 0), max(y0 - h, 0), min(x1 + w, 1), min(y1 + h, 1))
        inner = (x0 + w / 2, y0 + h / 2, x1 - w / 2, y1 - h / 2)
        brighter.append(
            values_in(phantom, inner).mean() > values_in(phantom, around).mean()
        )
    assert np.mean(brighter) > 0.8


def test_an_unknown_finding_is_refused():
    with pytest.raises(UnknownNameError, match="Fracture"):
        make_phantom(0, findings=["Fracture"], height_px=64)


def test_a_tiny_film_is_refused():
    with pytest.raises(ValueError, match="height_px"):
        make_phantom(0, height_px=8)


def test_a_third_of_the_patients_is_healthy_and_every_finding_is_seen():
    drawn = [choose_findings(np.random.default_rng(seed)) for seed in range(2000)]

    assert np.mean([not names for names in drawn]) == pytest.approx(0.35, abs=0.04)
    assert max(len(names) for names in drawn) == 3
    for name in PREVALENCE:
        assert 0.09 < np.mean([name in names for names in drawn]) < 0.22


def test_a_given_prevalence_is_kept():
    rng = np.random.default_rng(0)

    drawn = [choose_findings(rng, {"Edema": 0.5}) for _ in range(1000)]

    assert np.mean([names == ("Edema",) for names in drawn]) == pytest.approx(
        0.5, abs=0.05
    )


def test_brightness_alone_does_not_tell_the_ill_from_the_healthy():
    from sklearn.metrics import roc_auc_score

    films = [make_phantom(seed, height_px=48) for seed in range(100)]
    mean = [to_display(film).mean() for film in films]
    ill = [bool(film.findings) for film in films]

    assert abs(roc_auc_score(ill, mean) - 0.5) < 0.17
