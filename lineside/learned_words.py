"""A file of learned words on its way into a site."""

from contextlib import closing
from pathlib import Path

from lineside.site import Site
from models.text.learned_context import read_context
from storage.learned_words import LearnedWordsStore
from storage.objects import open_payload_store
from wire.errors import ConfigurationError


def keep_words(site: Site, file: Path) -> str:
    """Put a file of learned words into the site's object store; its sha256, which a line may name then.

    ConfigurationError if it is not there or holds none. Whether they fit a line's model, its builder says.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{file}: {error.strerror}; `lineside train spgdd` writes such files"]) from error
    read_context(content, str(file))
    with closing(open_payload_store(site.objects)) as payloads:
        return LearnedWordsStore(payloads).put(content)
