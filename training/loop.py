"""The training loop: one run from a data set to a saved model."""

import math
import os
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from capture.errors import RadgazeError
from capture.progress import Progress
from curation.dataset import Dataset, open_dataset
from training.checkpoint import (
    load_checkpoint,
    recover,
    save_checkpoint,
    save_model,
    write_json,
)
from training.config import TrainConfig
from training.data import Batch, TrainingData
from training.logs import RunLog
from training.objectives import make_objective
from training.sampling import Ints, batches_of, epoch_order, prefetch
from training.setup import build_model, build_optimizer, check_fields
from training.state import State, begin_folder, check_folder
from training.step import Taken, TrainStep, augmented, plain


class DivergedError(RadgazeError):
    """The loss stopped being a number."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path
        super().__init__(
            f"the loss of step {step} is not a finite number; its readings are listed "
            f"in {path}: look at them, or lower --learning-rate"
        )


def fit(config: TrainConfig) -> dict[str, Any]:
    """Train a model as `config` says and return a summary of plain JSON values.

    Args:
        config: Settings of the run; everything random follows from its seed.

    Returns:
        Where the run is, how long it took, and its validation loss.

    Raises:
        InputError: The data set cannot be read, or the run folder is in use.
        DiskFullError: No space is left; the run can be resumed.
        MissingFieldsError: The data set lacks what the objective reads.
        ConfigError: The settings do not fit the stopped run to resume.
        DivergedError: The loss stopped being a number.
    """
    owner = os.environ.get("RANK", "0") == "0"  # of a run's processes, of its folder
    if owner:
        check_folder(config)
    if config.threads:
        torch.set_num_threads(config.threads)
    seed_everything(config.seed)
    run = _Run(config)
    if owner and not config.resume:  # not before all that it reads was found good
        begin_folder(config)
    return run.train()


def seed_everything(seed: int) -> None:
    """Seed every generator that a library might draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def learning_rate_factor(step: int, total: int, warmup: int) -> float:
    """Rise linearly over the warm-up, then fall along half a cosine to zero.

    Args:
        step: Steps done, from 0.
        total: Steps of the whole run.
        warmup: Steps of the rise.

    Returns:
        Share of the peak learning rate, above 0 in every step of the run.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


class _Run:
    """A run in progress."""

    def __init__(self, config: TrainConfig) -> None:
        from accelerate import Accelerator

        self.config, self.folder = config, config.out
        self.accelerator = Accelerator(
            cpu=config.device == "cpu", mixed_precision=config.precision
        )
        self.dataset: Dataset = open_dataset(config.dataset)
        objective = make_objective(config)
        self.objective = objective
        self.model = build_model(config, self.dataset)
        unit = objective.text_unit
        tokenizer = self.model.tokenizer
        self.data = TrainingData(self.dataset, "train", tokenizer, config, unit)
        # a run without gaze must not choose its epoch by gaze either
        whole = replace(config, gaze_fraction=float(config.gaze_fraction > 0))
        self.held_out = TrainingData(self.dataset, "validation", tokenizer, whole, unit)
        check_fields(config, self.data, objective)
        self.module = TrainStep(self.model, objective)
        optimizer = build_optimizer(config, self.module)
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.step_module, self.optimizer = self.accelerator.prepare(
            self.module, optimizer
        )
        self.world = self.accelerator.num_processes
        # steps that an accelerator may be given before the first of them is told of
        self.ahead = 0 if self.accelerator.device.type == "cpu" else 2
        self.steps_per_epoch = len(self._order(0))
        self.total = config.epochs * self.steps_per_epoch
        self.state = State()
        self.images, self.told_s = 0, 0.0

    def train(self) -> dict[str, Any]:
        """Run to the end, or to `max_steps`."""
        config, start_s = self.config, time.monotonic()
        self.log = RunLog(self.folder, enabled=self.accelerator.is_main_process)
        checkpoint = self.folder / "checkpoints" / "last"
        if config.resume:
            if recover(checkpoint):
                saved = load_checkpoint(checkpoint, self.module, self._inner_optimizer)
                self.state = State.from_json(saved)
            self.log.forget_after(self.state.step)
        limit = min(self.total, config.max_steps or self.total)
        first = self.state.step
        mode = config.progress if self.accelerator.is_main_process else "none"
        with Progress("train", limit - first, mode) as progress:
            while self.state.step < limit:
                self._epoch(limit, progress)
        took_s = time.monotonic() - start_s
        self.log.close()
        return self._summary(took_s)

    def _epoch(self, limit: int, progress: Progress) -> None:
        state = self.state
        epoch = state.step // self.steps_per_epoch
        chunks = self._order(epoch)[state.step % self.steps_per_epoch :]
        chunks = chunks[: limit - state.step]
        self.told_s = time.perf_counter()
        pending: deque[Taken] = deque()
        for batch in prefetch(self._batches(chunks, state.step)):
            pending.append(self._step(batch))
            state.step += 1
            self.images += len(batch.rows) * self.world
            while len(pending) > self.ahead:
                self._tell(pending.popleft(), epoch, progress)
        for taken in pending:
            self._tell(taken, epoch, progress)
        if state.step % self.steps_per_epoch == 0 and len(self.held_out):
            state.last_loss = self._validate(epoch)
        if self.accelerator.is_main_process:
            self._save(epoch)
        self.accelerator.wait_for_everyone()

    def _step(self, batch: Batch) -> Taken:
        step, config = self.state.step, self.config
        # drawn anew from seed and step, so that a resumed run draws the same
        torch.manual_seed(_mix(config.seed, step, self.accelerator.process_index))
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * learning_rate_factor(step, self.total, self._warmup)
        self.step_module.train()
        inputs = augmented(batch, config.augment, self.accelerator.device)
        terms: dict[str, Tensor] = self.step_module(inputs)
        taken = Taken(step, batch, terms, self._rate())
        if not self.ahead:
            self._check(taken)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(terms["loss"])
        self.accelerator.clip_grad_norm_(
            self.step_module.parameters(), config.clip_norm
        )
        self.optimizer.step()
        self.objective.clamp()
        return taken

    def _check(self, taken: Taken) -> None:
        if not math.isfinite(taken.values()["loss"]):
            raise DivergedError(taken.step, self._report_batch(taken))

    def _tell(self, taken: Taken, epoch: int, progress: Progress) -> None:
        self._check(taken)
        now_s = time.perf_counter()
        rate = len(taken.batch.rows) * self.world / max(now_s - self.told_s, 1e-9)
        self.told_s = now_s
        values = taken.values()
        values |= {"samples_per_s": rate, "learning_rate": taken.learning_rate}
        self.log.write("train", taken.step + 1, epoch, values)
        told = {"loss": round(values["loss"], 4), "samples_per_s": round(rate, 1)}
        text = f"epoch {epoch + 1}/{self.config.epochs}, loss {values['loss']:.3f}"
        progress.update(1, f"{text}, {rate:.0f} images/s", **told)

    def _validate(self, epoch: int) -> float:
        self.module.eval()
        # mixed: rows with gaze stand together in a data set, and a batch without any
        # would count its gaze term as zero
        order = epoch_order(len(self.held_out), self.config.seed, 0)
        sums: dict[str, float] = {}
        count = 0
        with torch.no_grad():
            for chosen in batches_of(order, self.config.batch_size, keep_rest=True):
                batch = self.held_out.batch(chosen)
                terms = self.module(plain(batch, self.accelerator.device))
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + float(value) * len(chosen)
                count += len(chosen)
        if not count:
            return math.inf
        values = {name: value / count for name, value in sums.items()}
        self.log.write("validation", self.state.step, epoch, values)
        if values["loss"] < self.state.best_loss:
            self.state.best_loss, self.state.best_epoch = values["loss"], epoch
        return values["loss"]

    def _save(self, epoch: int) -> None:
        folder = self.folder
        never = self.state.best_epoch < 0
        if self.config.keep == "last" or never or self.state.best_epoch == epoch:
            losses = self.state.to_json()
            info = {
                "objective": self.config.objective,
                "dataset": self.dataset.identity,
                "logit_scale": float(self.objective.scale.detach()),
                "step": self.state.step,
                "epoch": epoch,
                "validation_loss": losses["last_loss"],
            }
            save_model(folder / "model", self.model, info)
        save_checkpoint(
            folder / "checkpoints" / "last",
            self.module,
            self._inner_optimizer,
            self.state.to_json(),
        )

    @property
    def _inner_optimizer(self) -> torch.optim.Optimizer:
        inner: torch.optim.Optimizer = getattr(
            self.optimizer, "optimizer", self.optimizer
        )
        return inner

    @property
    def _warmup(self) -> int:
        return round(self.config.warmup_share * self.total)

    def _rate(self) -> float:
        return float(self.optimizer.param_groups[-1]["lr"])

    def _order(self, epoch: int) -> list[Ints]:
        order = epoch_order(len(self.data), self.config.seed, epoch)
        size = self.config.batch_size * self.world
        return batches_of(order, size, keep_rest=False)

    def _batches(self, chunks: list[Ints], first: int) -> Iterator[Batch]:
        rank = self.accelerator.process_index
        for i, chosen in enumerate(chunks):
            yield self.data.batch(chosen[rank :: self.world], first + i)

    def _report_batch(self, taken: Taken) -> Path:
        path = self.folder / "diverged.json"
        ids = self.dataset.ids("reading_id")[list(taken.batch.rows)]
        write_json(path, {"step": taken.step, "reading_id": [*map(str, ids)]})
        return path

    def _summary(self, took_s: float) -> dict[str, Any]:
        losses = self.state.to_json()
        return {
            "run": str(self.folder),
            "objective": self.config.objective,
            "steps": self.state.step,
            "epochs": self.state.step // self.steps_per_epoch,
            "train_readings": len(self.data),
            "gaze_readings": len(self.data.gaze_rows),
            "left_out_without_text": self.data.left_out,
            "validation_readings": len(self.held_out),
            "validation_loss": losses["last_loss"],
            "best_validation_loss": losses["best_loss"],
            "best_epoch": self.state.best_epoch + 1 or None,
            "parameters": sum(p.numel() for p in self.module.parameters()),
            "seconds": round(took_s, 2),
            "samples_per_s": round(self.images / took_s, 1) if took_s else None,
        }


def _mix(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
