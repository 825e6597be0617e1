"""Prompt tuning for one line of a site: from its good parts to the words that it is judged by."""

import getpass
from contextlib import closing
from typing import Final

from lineside.command_errand import CommandErrand
from lineside.commands.opened import open_database
from lineside.learned_words import keep_words
from lineside.product_choice import choose_product
from lineside.site import Site
from models.train.pasted_samples import PastedSamples
from models.train.spgdd import TrainedWords
from storage.database import Database
from storage.history import History
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.objects import open_payload_store
from storage.references import ReferenceStore
from stream.steps.reference_part import reference_part
from wire.command import CommandKind
from wire.errors import ConfigurationError, DecodeError
from wire.image_codec import Image
from wire.line_state import LineSpec
from wire.payload_store import PayloadStore

# Words are eight vectors: more pictures would teach them nothing, and each has to be fetched.
_MOST_PICTURES: Final = 64
_WAIT_S: Final = 60.0


class LineLearner:
    """``spec``: what people said of the line. ConfigurationError if the site has no such line or cannot be reached."""

    def __init__(self, site: Site, line: str) -> None:
        self._site = site
        # Before hours of training: where its outcome shall go has to be known, too.
        self._broker, self._objects = site.broker, site.objects
        with open_database(site) as database:
            registry = LineRegistry(database)
            spec = registry.get(line)
            if spec is None:
                known = ", ".join(each.line for each in registry.all()) or "none"
                raise ConfigurationError([f"--line {line}: there is no such line; known are {known}"])
        self.spec: LineSpec = spec

    def samples(self, side_px: int) -> PastedSamples:
        """Good parts of all the line's products, with pasted defects. ConfigurationError if it has learned none yet."""
        with closing(open_payload_store(self._objects)) as payloads, open_database(self._site) as database:
            pictures = self._pictures(database, payloads)
        if not pictures:
            raise ConfigurationError([
                f"--line {self.spec.line}: it has no good parts to learn from yet; `lineside state accept` names some, "
                "--data procedural learns from drawn lines"
            ])  # fmt: skip
        return PastedSamples(pictures, side_px=side_px, name=self.spec.line)

    def give(self, trained: TrainedWords, *, steps: int, by: str) -> str:
        """Let the line use what was learned: its versions are built anew. What its builder answered, in words."""
        full = trained.figures[0]
        errand = CommandErrand(
            CommandKind.DESCRIBE,
            self.spec.line,
            product="",
            by=by or getpass.getuser(),
            reason=f"words learned in {steps} steps, patch AUROC {full.untrained:.3f} → {full.trained:.3f}",
            learned_words=keep_words(self._site, trained.file),
        )
        errand.send(self._broker)
        return errand.wait(self._site, _WAIT_S)

    def _pictures(self, database: Database, payloads: PayloadStore) -> list[Image]:
        """Evenly among what was learned, in the order in which it was."""
        line = self.spec.line
        products = {state.product for state in LineStateStore(database, payloads).list(line)}
        references = ReferenceStore(database)
        chosen = [
            each.inspection_id
            for product in sorted(products or {choose_product(database, line, None)})
            for each in references.current(line, product)
        ]
        every = max(1, -(-len(chosen) // _MOST_PICTURES))
        history, found = History(database), list[Image]()
        for identifier in chosen[::every]:
            stored = history.get(identifier)
            if stored is not None:
                try:
                    found += reference_part(stored.inspection, payloads.get, self.spec).images.values()
                except DecodeError as error:
                    raise ConfigurationError([f"--line {line}: reference {identifier}: {error}"]) from error
        return found
