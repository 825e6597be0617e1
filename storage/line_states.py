"""Versions of what a line knows: rows in SQL, tensors in the object store by content hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sqlalchemy import ColumnElement, and_, func, select

from storage.clock import Clock, utc_now
from storage.database import Database
from storage.dialect_insert import insert_into
from storage.schema import line_state_activations, line_states
from wire.errors import DecodeError
from wire.line_state import LineState, StateActivated, StateMetadata, tensors_digest
from wire.payload_store import PayloadStore, content_key


@dataclass(frozen=True, kw_only=True)
class Activation:
    """From this offset on, the line's product uses this version."""

    line: str
    product: str
    version: int
    digest: str
    activated_at: datetime
    by: str
    reason: str
    cluster: str
    partition: int
    offset: int


class LineStateStore:
    """Immutable versions, numbered from 1 per line and product, and where in the stream each became active."""

    def __init__(self, database: Database, payloads: PayloadStore, *, now: Clock = utc_now) -> None:
        self._database = database
        self._payloads = payloads
        self._now = now

    def add(self, state: LineState, *, parent: int | None, reason: str, by: str) -> StateMetadata:
        """Store a state as the next version of its line and product; returns its metadata with that version.

        1 tensors durable · 2 row. DatabaseUnavailable, ObjectStoreUnavailable.
        """
        # safetensors writes the memory as it lies: a view with strides would come back scrambled.
        data = write_tensors({name: np.ascontiguousarray(tensor) for name, tensor in state.tensors.items()})
        key, _ = content_key("states", data, "safetensors")
        self._payloads.put(key, data)
        line, product = state.metadata.line, state.metadata.product
        with self._database.begin_write() as connection:
            self._database.lock(connection, f"line_states/{line}/{product}")
            newest = connection.execute(
                select(func.max(line_states.c.version)).where(
                    line_states.c.line == line, line_states.c.product == product
                )
            ).scalar_one()
            metadata = state.metadata.model_copy(
                update={
                    "version": (newest or 0) + 1,
                    "digest": tensors_digest(state.tensors),
                    "parent_version": parent,
                    "reason": reason,
                }
            )
            connection.execute(
                line_states.insert().values(
                    line=line,
                    product=product,
                    version=metadata.version,
                    recipe=metadata.recipe,
                    model_digest=metadata.model_digest,
                    digest=metadata.digest,
                    tensors_ref=key,
                    parent_version=parent,
                    reason=reason,
                    by=by,
                    created_at=self._now(),
                    document=metadata.to_json().decode(),
                )
            )
        return metadata

    def load(self, line: str, product: str, version: int) -> LineState:
        """One version with its tensors.

        LookupError if there is no such version; DecodeError('object_missing' | 'object_corrupt') if its tensors are
        gone or are not the ones that were stored.
        """
        with self._database.begin_read() as connection:
            row = connection.execute(
                select(line_states.c.document, line_states.c.tensors_ref).where(_is(line, product, version))
            ).first()
        if row is None:
            raise _unknown(line, product, version)
        metadata = StateMetadata.from_json(row.document)
        tensors = read_tensors(self._payloads.get(row.tensors_ref))
        digest = tensors_digest(tensors)
        if digest != metadata.digest:
            raise DecodeError("object_corrupt", f"{row.tensors_ref} has digest {digest}, expected {metadata.digest}")
        return LineState(metadata=metadata, tensors=tensors)

    def metadata(self, line: str, product: str, version: int) -> StateMetadata:
        """One version without its tensors; LookupError if there is none."""
        with self._database.begin_read() as connection:
            row = connection.execute(select(line_states.c.document).where(_is(line, product, version))).first()
        if row is None:
            raise _unknown(line, product, version)
        return StateMetadata.from_json(row.document)

    def list(self, line: str, product: str | None = None) -> Sequence[StateMetadata]:
        """A line's versions, newest first within each product."""
        columns = line_states.c
        statement = select(columns.document).where(columns.line == line)
        if product is not None:
            statement = statement.where(columns.product == product)
        with self._database.begin_read() as connection:
            rows = connection.execute(statement.order_by(columns.product, columns.version.desc()))
            return [StateMetadata.from_json(row.document) for row in rows]

    def record_activation(self, activated: StateActivated, *, cluster: str, partition: int, offset: int) -> None:
        """Remember where an activation lies. Repeating it changes nothing."""
        with self._database.begin_write() as connection:
            statement = insert_into(connection, line_state_activations).values(
                **activated.model_dump(by_alias=False), cluster=cluster, partition=partition, offset=offset
            )
            excluded = statement.excluded
            connection.execute(
                # A broker that keeps nothing over a restart may give an offset twice: the later message is right.
                statement.on_conflict_do_update(
                    index_elements=["line", "product", "cluster", "partition", "offset"],
                    set_={name: excluded[name] for name in ("version", "digest", "activated_at", "by", "reason")},
                    where=excluded.activated_at > line_state_activations.c.activated_at,
                )
            )

    def activations(self, line: str, product: str | None = None) -> Sequence[Activation]:
        """Every activation of a line, newest first."""
        columns = line_state_activations.c
        statement = select(line_state_activations).where(columns.line == line)
        if product is not None:
            statement = statement.where(columns.product == product)
        with self._database.begin_read() as connection:
            rows = connection.execute(statement.order_by(columns.activated_at.desc(), columns.offset.desc())).mappings()
            return [Activation(**row) for row in rows]

    def active_at(self, line: str, product: str, *, cluster: str, partition: int, offset: int) -> int | None:
        """The version that an event at this place is decided with; None before the first activation.

        The newest at or below ``offset`` in the same partition. Where there is none (a new broker, a line that moved to
        another partition), the newest that lies elsewhere: what the line knew before it came here.
        """
        all_of_them = self.activations(line, product)
        here = [each for each in all_of_them if (each.cluster, each.partition) == (cluster, partition)]
        before = [each for each in here if each.offset <= offset]
        if before:
            return max(before, key=lambda each: each.offset).version
        elsewhere = [each for each in all_of_them if each not in here]
        return elsewhere[0].version if elsewhere else None

    def active(self, line: str, product: str) -> int | None:
        """The version activated last; None if none ever was."""
        newest_first = self.activations(line, product)
        return newest_first[0].version if newest_first else None


def _is(line: str, product: str, version: int) -> ColumnElement[bool]:
    columns = line_states.c
    return and_(columns.line == line, columns.product == product, columns.version == version)


def _unknown(line: str, product: str, version: int) -> LookupError:
    return LookupError(f"line {line!r}, product {product!r} has no state version {version}")
