#!/usr/bin/env python3
"""barman-cloud with a real PostgreSQL: a backup and the log since; and from half of the nodes the
database with all that was in it."""
from page import snippets
from postgres import PostgresCluster
from s3_cluster import main

BACK_UP, RESTORE = snippets()["Barman"]


def a_database_is_saved_as_the_page_says(cluster):
    cluster.database.fill("garden", 50_000)
    cluster.database.shell(BACK_UP)


def half_of_the_nodes_give_the_database_back(cluster):
    database = cluster.database
    database.fill("cellar", 1000)  # is in the archive alone
    before = database.content()
    database.archive()
    cluster.wait_full()
    cluster.kill(1, 2, 3, 4)
    database.shell(RESTORE)
    database.wait_until("SELECT NOT pg_is_in_recovery()")
    assert database.content() == before
    cluster.start(1, 2, 3, 4)


if __name__ == "__main__":
    main(a_database_is_saved_as_the_page_says, half_of_the_nodes_give_the_database_back,
         world=PostgresCluster)
