import pytest
import torch

from training.config import AugmentConfig
from training.data import TrainingData, training_texts
from training.encoders import make_text, make_vision
from training.model import ImageTextModel
from training.objectives import make_objective
from training.step import Taken, TrainStep, augmented, gaze_entries, plain
from training.tokenizer import train_tokenizer

CPU = torch.device("cpu")


@pytest.fixture
def make_step(make_dataset, make_config):
    def make(**settings):
        config = make_config(**settings)
        dataset = make_dataset(12)
        tokenizer = train_tokenizer(training_texts(dataset), 100)
        objective = make_objective(config)
        torch.manual_seed(0)
        model = ImageTextModel(
            make_vision("tiny-resnet", 32),
            make_text("tiny-bert", len(tokenizer), 256),
            tokenizer,
            joint_dim=16,
            image_size=32,
        )
        data = TrainingData(dataset, "train", tokenizer, config, objective.text_unit)
        return TrainStep(model, objective), data.batch(range(6))

    return make


@pytest.mark.parametrize("objective", ["egma", "clip"])
def test_gradient_reaches_every_parameter(make_step, objective):
    step, batch = make_step(objective=objective)

    step(plain(batch, CPU))["loss"].backward()

    without = [name for name, p in step.named_parameters() if p.grad is None]
    assert without == []


def test_moving_the_gaze_changes_the_loss_of_egma_alone(make_step):
    for objective, changes in (("egma", True), ("clip", False)):
        step, batch = make_step(objective=objective)
        step.eval()
        inputs = plain(batch, CPU)
        before = step(inputs)["loss"]

        after = step(inputs | {"xy": 1 - inputs["xy"]})["loss"]

        assert (not torch.isclose(before, after)) == changes


def test_the_gaze_of_a_reading_is_its_dwell_on_the_image(make_step):
    _, batch = make_step()

    entries = gaze_entries(plain(batch, CPU), (4, 4))

    maps, seen = entries["gaze_grid"], entries["has_gaze"]
    assert maps.shape == (6, 3, 16)
    # three fixations of 0.1 s each; a part of the blur falls outside
    assert (maps[seen].sum(1) <= 0.3 + 1e-6).all()
    assert (maps[seen].sum(1) > 0.1).all()
    assert not maps[~seen].any()


def test_gaze_off_the_image_is_no_gaze(make_step):
    _, batch = make_step()
    inputs = plain(batch, CPU)

    entries = gaze_entries(inputs | {"xy": inputs["xy"] + 5}, (4, 4))

    assert not entries["has_gaze"].any()


def test_gaze_moves_with_the_image(make_step):
    _, batch = make_step()
    still = AugmentConfig(rotation_deg=0, scale=0, shift=0)
    torch.manual_seed(0)
    there = augmented(batch, still, CPU)
    torch.manual_seed(0)
    moved = augmented(batch, AugmentConfig(), CPU)

    torch.testing.assert_close(there["xy"], plain(batch, CPU)["xy"])
    assert not torch.equal(moved["xy"], there["xy"])
    assert not torch.equal(moved["images"], there["images"])
    assert torch.equal(batch.xy, plain(batch, CPU)["xy"])


def test_the_losses_of_a_step_are_fetched_by_name(make_step):
    _, batch = make_step()
    terms = {"loss": torch.tensor([1.5], requires_grad=True), "count": torch.tensor(3)}

    taken = Taken(7, batch, terms, 0.1)

    assert taken.values() == {"loss": 1.5, "count": 3.0}
