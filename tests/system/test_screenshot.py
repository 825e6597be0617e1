from pathlib import Path

import cv2
import pytest

from lineside.browser_picture import take
from tests.components.requirement import require
from wire.errors import ConfigurationError, RetryLater

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_picture_shows_what_a_script_wrote_after_the_page_had_loaded(tmp_path: Path) -> None:
    require("chromium")
    page = tmp_path / "page.html"
    page.write_text("<body><script>setTimeout(() => document.body.style.background = 'rgb(10, 200, 30)', 300)</script>")

    take(page.as_uri(), tmp_path / "page.png", width_px=320, height_px=240, settle_s=1.0)

    picture = cv2.imread(str(tmp_path / "page.png"))
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert picture[120, 160].tolist() == [30, 200, 10]  # OpenCV's order is blue, green, red


def test_a_page_that_does_not_open_is_told(tmp_path: Path) -> None:
    require("chromium")

    with pytest.raises(RetryLater, match="does not open: net::ERR_FILE_NOT_FOUND"):
        take((tmp_path / "nothing.html").as_uri(), tmp_path / "x.png", width_px=320, height_px=240, settle_s=0)


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    require("chromium")

    with pytest.raises(ConfigurationError, match=r"the folder .*no such does not exist"):
        take("about:blank", tmp_path / "no such" / "x.png", width_px=320, height_px=240, settle_s=0)
