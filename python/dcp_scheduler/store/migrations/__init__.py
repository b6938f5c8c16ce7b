"""Changes of the schema, each a file in ``versions``: Alembic brings a database from any of them to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from ...errors import SchedulerError


def upgrade(connection: Connection) -> None:
    """Raises SchedulerError for a database that a newer program has made."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config, script, fn=lambda revision, _: script._upgrade_revs("head", revision)
    ) as environment:
        environment.configure(connection)
        try:
            with environment.begin_transaction():
                environment.run_migrations()
        except CommandError as error:
            raise SchedulerError(
                f"the database is of a newer dcp-scheduler; start that one, or name another database ({error})"
            ) from None
