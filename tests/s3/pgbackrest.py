#!/usr/bin/env python3
"""pgBackRest over TLS with a real PostgreSQL: full, incremental, verified; and from half of the nodes
the database as it was before a mishap."""
import os
import shutil

from page import snippets
from postgres import PostgresCluster
from s3_cluster import main

BACK_UP, RESTORE = snippets()["pgBackRest"]


def use_tls(cluster):
    """The authority's certificate goes where the database's user can read it."""
    database = cluster.database
    authority = os.path.join(database.base, "authority.pem")
    shutil.copyfile(os.path.join(cluster.dir, "gateway", "authority.pem"), authority)
    os.chmod(authority, 0o644)
    database.env.update(AWS_ENDPOINT_URL=f"https://localhost:{cluster.port('gateway-tls')}",
                        AWS_CA_BUNDLE=authority)


def pgbackrest(database, *arguments):
    return database.shell(
        "pgbackrest --config=$HOME/pgbackrest.conf --stanza=main " + " ".join(arguments))


def a_database_is_saved_as_the_page_says(cluster):
    use_tls(cluster)
    cluster.database.fill("garden", 50_000)
    cluster.database.shell(BACK_UP)


def what_changed_is_saved_incrementally(cluster):
    cluster.database.fill("kitchen", 5000)
    pgbackrest(cluster.database, "--type=incr", "backup")
    assert "incr backup" in pgbackrest(cluster.database, "info")
    found = pgbackrest(cluster.database, "--output=text", "--verbose", "verify")
    assert "status: ok" in found, found


def half_of_the_nodes_give_the_database_of_a_moment_back(cluster):
    database = cluster.database
    database.fill("cellar", 1000)  # is in the archive alone
    before, moment = database.content(), database.sql("SELECT clock_timestamp()")
    database.sql("DROP TABLE garden; DELETE FROM kitchen")
    database.archive()
    cluster.wait_full()
    cluster.kill(1, 2, 3, 4)
    database.shell(RESTORE, RESTORE_TIME=moment)
    database.wait_until("SELECT NOT pg_is_in_recovery()")
    assert database.content() == before
    cluster.start(1, 2, 3, 4)


if __name__ == "__main__":
    main(a_database_is_saved_as_the_page_says, what_changed_is_saved_incrementally,
         half_of_the_nodes_give_the_database_of_a_moment_back, world=PostgresCluster)
