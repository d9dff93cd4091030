"""Database triggers that keep evidence: rows that may not change, and children that belong to their parent's project.

Django has no constraint for either. SQLite and PostgreSQL spell them differently; migrations run `operation(...)`.
"""

from collections.abc import Callable
from typing import Any

from django.db import migrations

_SQLITE_FROZEN = """
CREATE TRIGGER {name} BEFORE {event} {of} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{table}: stored evidence is never changed'); END
"""
_POSTGRES_FROZEN_FUNCTION = """
CREATE OR REPLACE FUNCTION overread_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: stored evidence is never changed', TG_TABLE_NAME
  USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_POSTGRES_FROZEN = """
CREATE TRIGGER {name} BEFORE {event} {of} ON {table}
FOR EACH ROW {when} EXECUTE FUNCTION overread_frozen()
"""
_SQLITE_FORBIDDEN = """
CREATE TRIGGER {name}_{event} BEFORE {event} ON {table} WHEN {when}
BEGIN SELECT RAISE(ABORT, '{table}: {says}'); END
"""
_POSTGRES_FORBIDDEN = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF {when} THEN
  RAISE EXCEPTION '{table}: {says}' USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NEW;
END $$;
CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()
"""
_SQLITE_SAME_PROJECT = """
CREATE TRIGGER {table}_{column}_project_{suffix} BEFORE {event} ON {table}
WHEN NEW.{column} IS NOT NULL AND {own_project} IS NOT (SELECT project_id FROM {parent} WHERE id = NEW.{column})
BEGIN SELECT RAISE(ABORT, '{table}: {column} belongs to another project'); END
"""
_POSTGRES_SAME_PROJECT = """
CREATE OR REPLACE FUNCTION {table}_{column}_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.{column} IS NOT NULL
   AND {own_project} IS DISTINCT FROM (SELECT project_id FROM {parent} WHERE id = NEW.{column}) THEN
  RAISE EXCEPTION '{table}: {column} belongs to another project' USING ERRCODE = 'integrity_constraint_violation';
END IF;
RETURN NEW;
END $$;
CREATE TRIGGER {table}_{column}_project BEFORE INSERT OR UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_{column}_project()
"""


class _Triggers(migrations.RunPython):
    """Needs no models: to give it those of the migration would render every model of the project each time."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make the triggers."""
        no_models: Any = None
        self.code(no_models, schema_editor)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop them."""
        no_models: Any = None
        if self.reverse_code is not None:
            self.reverse_code(no_models, schema_editor)


def frozen(
    table: str, *, columns: tuple[str, ...] = (), deletable: bool = False, when: str = "", suffix: str = ""
) -> migrations.RunPython:
    """Rows of `table` are never deleted, unless `deletable`, nor changed; with `columns`, only those never change.

    `when` is SQL that says which rows are meant. A table that has such a trigger gets a second one with a `suffix`.
    To be said again after an operation that rebuilds `table`: SQLite drops its triggers then.
    """
    events = {} if deletable else {"delete": ""}
    events["update"] = f"OF {', '.join(columns)}" if columns else ""
    names = {event: f"{table}_no_{event}{suffix}" for event in events}
    condition = f"WHEN ({when})" if when else ""
    drop = _drop(table, list(names.values()))

    def forwards(apps: Any, schema_editor: Any) -> None:
        drop(apps, schema_editor)
        postgres = schema_editor.connection.vendor == "postgresql"
        if postgres:
            schema_editor.execute(_POSTGRES_FROZEN_FUNCTION, params=None)
        template = _POSTGRES_FROZEN if postgres else _SQLITE_FROZEN
        for event, of in events.items():
            statement = template.format(name=names[event], table=table, event=event, of=of, when=condition)
            schema_editor.execute(statement, params=None)

    return _Triggers(forwards, drop)


def forbidden(table: str, *, name: str, when: str, says: str) -> migrations.RunPython:
    """No row of `table` may become one of which the SQL `when` holds, which may look into other tables."""
    words = {"table": table, "name": name, "when": when, "says": says}
    drop = _drop(table, [name, f"{name}_insert", f"{name}_update"])

    def forwards(apps: Any, schema_editor: Any) -> None:
        drop(apps, schema_editor)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(_POSTGRES_FORBIDDEN.format(**words), params=None)
            return
        for event in ("insert", "update"):
            schema_editor.execute(_SQLITE_FORBIDDEN.format(**words, event=event), params=None)

    return _Triggers(forwards, drop)


def same_project(table: str, *, column: str, parent: str, own_project: str = "NEW.project_id") -> migrations.RunPython:
    """The row that `column` points to in `parent` belongs to the same project; `own_project` is SQL for ours.

    To be said again after an operation that rebuilds `table`: SQLite drops its triggers then.
    """
    names = {"table": table, "column": column, "parent": parent, "own_project": own_project}
    base = f"{table}_{column}_project"
    drop = _drop(table, [base, f"{base}_insert", f"{base}_update"])

    def forwards(apps: Any, schema_editor: Any) -> None:
        drop(apps, schema_editor)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(_POSTGRES_SAME_PROJECT.format(**names), params=None)
            return
        for event in ("insert", "update"):
            schema_editor.execute(_SQLITE_SAME_PROJECT.format(**names, event=event, suffix=event), params=None)

    return _Triggers(forwards, drop)


def _drop(table: str, triggers: list[str]) -> Callable[[Any, Any], None]:
    def backwards(apps: Any, schema_editor: Any) -> None:
        del apps
        on_table = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        for trigger in triggers:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger}{on_table}", params=None)

    return backwards


# Readings are made from errors where readers are trained, and nowhere else. Said again whenever the table is rebuilt.
SEEDED_READINGS_TRAIN = forbidden(
    "annotator_reading",
    name="annotator_reading_seeded_in_training",
    when="NEW.arm = 'seeded' AND NOT EXISTS "
    "(SELECT 1 FROM annotator_studyrules WHERE project_id = NEW.project_id AND is_training)",
    says="errors are planted in training projects only",
)
