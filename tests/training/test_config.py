import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from capture.errors import ConfigError, InputError, UnknownNameError, VersionError
from training.config import (
    AugmentConfig,
    EgmaConfig,
    ObjectiveName,
    TrainConfig,
    config_from_json,
)
from training.objectives import OBJECTIVES


def test_every_name_on_the_command_line_has_an_objective():
    assert set(OBJECTIVES) == set(get_args(ObjectiveName))


def test_every_objective_has_its_settings(make_config):
    config = make_config()

    for name, kind in OBJECTIVES.items():
        assert kind.from_config(config).config is getattr(config, name)


def test_a_config_survives_the_round_trip(make_config):
    config = make_config(
        objective="clip", egma=EgmaConfig(mass=0.5), augment=AugmentConfig(shift=0)
    )

    text = json.dumps(config.to_json())

    assert config_from_json(json.loads(text), Path("config.json")) == config


def test_another_version_is_refused(make_config):
    values = make_config().to_json() | {"version": 99}

    with pytest.raises(VersionError, match="99"):
        config_from_json(values, Path("config.json"))


def test_an_unknown_objective_is_answered_with_the_known_ones(make_config):
    with pytest.raises(UnknownNameError, match="'mcgap'; known: clip, egma"):
        make_config(objective="mcgap")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 1),
        ("gaze_fraction", 1.5),
        ("warmup_share", -0.1),
        ("epochs", 0),
        ("learning_rate", 0.0),
        ("image_size", 0),
        ("report_max_tokens", 0),
        ("seed", -1),
        ("threads", -1),
        ("max_steps", -1),
        ("weight_decay", -0.1),
        ("pretrained_learning_rate_factor", -1.0),
    ],
)
def test_a_value_that_cannot_work_is_refused(make_config, field, value):
    with pytest.raises(ConfigError, match=field):
        make_config(**{field: value})


@pytest.mark.parametrize("mass", [0.0, 1.5])
def test_a_mass_outside_its_range_is_refused(mass):
    with pytest.raises(ConfigError, match="mass"):
        EgmaConfig(mass=mass)


def test_every_field_has_a_sentence():
    source = Path(sys.modules[TrainConfig.__module__].__file__).read_text()

    for item in fields(TrainConfig):
        after = source.split(f"\n    {item.name}: ")[1].split("\n", 1)[1]
        assert after.lstrip().startswith('"""'), item.name


def test_neither_config_nor_command_line_load_torch():
    code = "import sys, training.config, training.cli; print(*sys.modules)"

    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert not {"torch", "transformers", "h5py"} & set(loaded.split())


@pytest.mark.parametrize(
    "fields", [{"scale": 1.0}, {"rotation_deg": -1.0}, {"brightness": -0.1}]
)
def test_an_augmentation_that_cannot_work_is_refused(fields):
    with pytest.raises(ConfigError, match=f"augment.{next(iter(fields))}"):
        AugmentConfig(**fields)


@pytest.mark.parametrize("name", ["sparsity", "sentence_weight", "most_cells"])
def test_a_share_outside_its_range_is_refused(name):
    with pytest.raises(ConfigError, match=name):
        EgmaConfig(**{name: 1.5})


@pytest.mark.parametrize(
    "damage", [{"egma": {"no_such_setting": 1}}, {"dataset": None}]
)
def test_damaged_settings_are_an_error_that_names_the_file(make_config, damage):
    values = make_config().to_json() | damage

    with pytest.raises(InputError, match=r"config\.json: is damaged"):
        config_from_json(values, Path("config.json"))
