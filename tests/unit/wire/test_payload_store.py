"""Where payloads and evidence lie in the object store."""

from datetime import UTC, datetime
from uuid import UUID

from wire.payload_store import content_key, payload_key


def test_a_payload_lies_under_its_line_and_day() -> None:
    key = payload_key("site.area.line", datetime(2026, 3, 4, 23, 59, tzinfo=UTC), UUID(int=7), "png")
    assert key == "payloads/site.area.line/2026/03/04/00000000-0000-0000-0000-000000000007.png"


def test_equal_bytes_have_one_key() -> None:
    # sha256 of "abc": FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_key("masks", b"abc", "png") == (f"masks/ba/{digest}.png", digest)
