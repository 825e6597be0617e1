"""Which folder of this machine a site's things lie in."""

from pathlib import Path

from storage.local_folder import folder_of_database, folder_of_objects


def test_a_sqlite_file_and_a_folder_of_objects_lie_on_a_disk_of_this_machine() -> None:
    assert folder_of_database("sqlite:////srv/site/lineside.db") == Path("/srv/site")
    assert folder_of_objects("file:///srv/my%20site/objects") == Path("/srv/my site/objects")


def test_servers_have_disks_of_their_own() -> None:
    assert folder_of_database("postgresql://lineside@db.example/lineside") is None
    assert folder_of_objects("s3://bucket/prefix") is None
