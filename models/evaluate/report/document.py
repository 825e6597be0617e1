"""The shell of a report's page: one file, nothing loaded from elsewhere."""

from html import escape
from pathlib import Path
from typing import Final

_STYLE: Final = Path(__file__).parent / "page.css"


def document(title: str, body: str) -> str:
    """A whole HTML document: ``title`` is plain text, ``body`` is HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )
