"""What Alembic runs: migrations inside the caller's transaction, all or none."""

from alembic import context
from sqlalchemy import Connection

from carrel.stores.revisions import VERSION_TABLE
from carrel.stores.tables import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
