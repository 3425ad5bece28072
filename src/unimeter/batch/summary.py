"""What a job has read, summed by provider and model; kept so that a sum of some calls only can be told from one of all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from unimeter.extras import needs
from unimeter.reading import FailedRequest

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc

_SUMMED = ("input_tokens", "output_tokens", "cache_read_tokens", "cost")
_OF_BOTH = ("cacheable_tokens", "cached_tokens")
_WITHOUT_USAGE = r"^MissingUsage: (?:(?P<provider>[\w .()/+-]{1,32}): )?"
"""What the error of a response without usage begins with."""
_LOOKED_AT = frozenset((*_SUMMED, "row", "source", "position", "provider", "model", "error"))


@dataclass
class Summary:
    """What a job has read, by provider and model."""

    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """How many rows have which kind of error; `FailedRequest` is that of a request that failed."""
    examples: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """The first error of each kind: its source, position and text."""
    without_usage: Counter[str] = field(default_factory=Counter)
    """How many responses carried no usage, by provider; "" where it is not known."""
    models: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """Calls, tokens and dollars, and of each figure how many calls have told it (`cost_calls`): a sum may be of some calls only.

    `cacheable_tokens` and `cached_tokens` are the input and the cache reads of the calls that told both.
    """

    @property
    def unread(self) -> int:
        """How many rows could not be read. A request that failed is not among them: it was read that it did."""
        return self.errors.total() - self.errors[FailedRequest.__name__]

    @property
    def total(self) -> Counter[str]:
        """The sums of all models."""
        return sum(self.models.values(), Counter())

    def add(self, table: pa.Table) -> None:
        """Take in a part."""
        self.rows += len(table)
        table = table.select([name for name in table.column_names if name in _LOOKED_AT])
        self._add_errors(table.filter(pc.is_valid(table["error"])))
        read = table.filter(pc.is_null(table["error"]))
        sent, cached = read["input_tokens"], read["cache_read_tokens"]
        both = pc.and_(pc.is_valid(sent), pc.is_valid(cached))
        for name, column in zip(_OF_BOTH, (sent, cached), strict=True):
            read = read.append_column(name, pc.if_else(both, column, pa.scalar(None, pa.int64())))
        names = (*_SUMMED, *_OF_BOTH)
        asked = [("row", "count"), *((name, what) for name in names for what in ("sum", "count"))]
        for one in read.group_by(["provider", "model"]).aggregate(asked).to_pylist():
            told = self.models.setdefault((one["provider"], one["model"] or ""), Counter())
            told["calls"] += one["row_count"]
            for name in names:
                told[name] += one[f"{name}_sum"] or 0
                told[f"{name}_calls"] += one[f"{name}_count"]

    def _add_errors(self, failed: pa.Table) -> None:
        providers = pc.struct_field(pc.extract_regex(failed["error"], _WITHOUT_USAGE), [0])
        self.without_usage.update(one for one in providers.to_pylist() if one is not None)
        kinds = pc.list_element(pc.split_pattern(failed["error"], ":", max_splits=1), 0)
        failed = failed.append_column("kind", kinds).append_column("at", pa.array(range(len(failed)), pa.int64()))
        for one in failed.group_by("kind").aggregate([("at", "count"), ("at", "min")]).to_pylist():
            self.errors[one["kind"]] += one["at_count"]
            if one["kind"] not in self.examples:
                first = failed.slice(one["at_min"], 1).to_pylist()[0]
                self.examples[one["kind"]] = first["source"], first["position"], first["error"]
