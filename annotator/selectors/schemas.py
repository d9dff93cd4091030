"""Parsed schemas, kept in memory: a stored version never changes."""

from functools import lru_cache

from annotator.models import LabelSchema
from labeling.core.schema import Schema
from labeling.core.schema_yaml import parse_schema


def parsed_schema(stored: LabelSchema) -> Schema:
    """The schema that `stored` holds."""
    return _parse(stored.hash, stored.source)


@lru_cache(maxsize=64)
def _parse(schema_hash: str, source: str) -> Schema:
    schema = parse_schema(source)
    if schema.hash != schema_hash:
        raise ValueError(f"schema {schema.name} v{schema.version}: stored hash {schema_hash}, computed {schema.hash}")
    return schema
