"""The images of a study list: opened before a session, loaded ahead during it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from capture.errors import InputError
from capture.images import LoadedImage, load_image
from capture.progress import Progress, ProgressMode
from capture.session import SessionStudy, describe_study
from capture.studies import Study


def open_all(
    listed_in: Path, studies: Sequence[Study], key: bytes, progress: ProgressMode
) -> list[SessionStudy]:
    """Open every image of a list and describe it by pseudonyms and content.

    Raises:
        InputError: An image cannot be opened; names the list's row and the file.
    """
    described = []
    with Progress("opening images", len(studies), progress) as bar:
        for study in studies:
            with naming_row(listed_in, study):
                loaded = load_image(study.image)
                described.append(
                    describe_study(
                        study,
                        key,
                        pixel_sha256=loaded.pixel_sha256,
                        width_px=loaded.width_px,
                        height_px=loaded.height_px,
                    )
                )
            bar.update()
    return described


@contextmanager
def naming_row(listed_in: Path, study: Study) -> Iterator[None]:
    """Let an error about an image say which row of the study list names it."""
    try:
        yield
    except InputError as error:
        found = f"row {study.row}: {error.path}: {error.found}"
        raise InputError(listed_in, found, error.remedy) from None


class ImageLoader:
    """Decodes the next image while one is read; keeps the one before."""

    def __init__(self, listed_in: Path, studies: Sequence[Study]) -> None:
        self._listed_in, self._studies = listed_in, studies
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._loading: dict[int, Future[LoadedImage]] = {}

    def get(self, index: int) -> LoadedImage:
        """Return an image, waiting for it if need be.

        Raises:
            InputError: It cannot be opened any more.
        """
        self.prefetch(index)
        for old in [i for i in self._loading if abs(i - index) > 1]:
            self._loading.pop(old).cancel()
        with naming_row(self._listed_in, self._studies[index]):
            return self._loading[index].result()

    def prefetch(self, index: int) -> None:
        """Begin to decode an image, if there is one of this number."""
        if index < len(self._studies) and index not in self._loading:
            image = self._studies[index].image
            self._loading[index] = self._pool.submit(load_image, image)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
