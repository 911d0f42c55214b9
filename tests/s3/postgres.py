"""A PostgreSQL of a test's own beside the cluster, and what its backups are compared by."""
import glob
import os
import pwd
import shutil
import tempfile

from s3_cluster import S3Cluster, digest, run

# It refuses to run as root, and Debian's package brings this user.
USER = "postgres"
PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
SETTINGS = """listen_addresses = ''
unix_socket_directories = '{}'
fsync = off
shared_buffers = 16MB
"""


class Postgres:
    """Reached through a socket in its folder, which is its user's; that of the cluster is not."""

    def __init__(self, env):
        self.base = tempfile.mkdtemp(prefix="hearth-test-postgres-")
        self.env = {**env, "HOME": self.base, "PGDATA": os.path.join(self.base, "data"),
                    "PGHOST": self.base, "PATH": f"{PROGRAMS[-1]}:{os.environ['PATH']}",
                    "PGBACKREST_LOCK_PATH": os.path.join(self.base, "lock"),
                    "PGBACKREST_LOG_LEVEL_FILE": "off", "AWS_EC2_METADATA_DISABLED": "true"}
        self.as_user = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            os.chown(self.base, owner.pw_uid, owner.pw_gid)
            self.as_user = ["runuser", "-u", USER, "--"]

    def make(self):
        """Without syncs: no power fails here, and what counts is what comes back out of the gateway."""
        self.shell("initdb --no-sync --auth=trust")
        self.shell(f'cat >>"$PGDATA/postgresql.conf" <<"END"\n{SETTINGS.format(self.base)}END\n')
        self.shell("pg_ctl start --silent --log ~/postgresql.log")

    def shell(self, script, fails=0, **more):
        """As its user, in its folder; what was printed."""
        env = [f"{name}={value}" for name, value in {**self.env, **more}.items()]
        return run([*self.as_user, "env", *env, "bash", "-euo", "pipefail", "-c", script],
                   cwd=self.base, fails=fails).text

    def sql(self, statement):
        return self.shell('psql postgres --no-psqlrc -qAt -v ON_ERROR_STOP=1 <<"END"\n'
                          f"{statement};\nEND\n").strip()

    def fill(self, table, rows):
        """With what does not compress well."""
        self.sql(f"CREATE TABLE {table} AS SELECT i AS id, sha512(i::text::bytea) AS bytes "
                 f"FROM generate_series(1, {rows}) AS i")

    def content(self):
        """A digest of all that it holds; pg_dump draws a word for each dump, and brackets it with that."""
        return digest(self.shell(r"pg_dump postgres | grep -vE '^\\(un)?restrict '").encode())

    def archive(self):
        """When this returns, all that was written is in the archive."""
        name = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        self.wait_until(f"SELECT last_archived_wal >= '{name}' FROM pg_stat_archiver")

    def wait_until(self, condition):
        """Asks again and again; the limit of the test ends what never comes."""
        self.shell(f'until [ "$(psql postgres -qAt -c "{condition}")" = t ]; do sleep 0.1; done')

    def remove(self):
        self.shell("pg_ctl stop --silent --mode=immediate", fails=None)
        shutil.rmtree(self.base, ignore_errors=True)


class PostgresCluster(S3Cluster):
    """With a database that ends as the cluster does, and a bucket for what is saved of it."""

    database = None

    def __enter__(self):
        super().__enter__()
        try:
            self.client.create_bucket(Bucket="databases")
            self.database = Postgres(self.env)
            self.database.make()
        except BaseException:
            self._end(failed=True)
            raise
        return self

    def logs(self):
        return super().logs() + [os.path.join(self.database.base, "postgresql.log")]

    def undo(self):
        if self.database:
            self.database.remove()
