"""Artifacts that are damaged or made to mislead: each is refused with its reason, soon and in little memory."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from validator.errors import UsageError
from validator.local import limit
from validator.serverless import archive as bounds
from validator.serverless.artifact import MAX_INFLATED, Artifact

DAG = b"from airflow import DAG\nwith DAG('x'):\n    pass\n"
MIB = 1 << 20
UTF_8, UNIX, LINK, PIPE = 0x800, 3, 0o120777 << 16, 0o010644 << 16


@dataclass
class Raw:
    """One member as its bytes shall be; None: as they should be."""

    name: bytes
    data: bytes = DAG
    method: int = 8
    flags: int = UTF_8
    system: int = UNIX
    attributes: int = 0
    extra: bytes = b""
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    header: int | None = None
    local_name: bytes | None = None


def deflated(data):
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


def forge(*members, count=None, behind=b"", comment=b"", disk=0):
    """A zip archive of exactly these bytes."""
    body, directory = bytearray(), bytearray()
    for one in members:
        packed = one.packed if one.packed is not None else deflated(one.data) if one.method == 8 else one.data
        size = len(one.data) if one.size is None else one.size
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        local = one.name if one.local_name is None else one.local_name
        header = len(body) if one.header is None else one.header
        middle = (one.flags, one.method, 0, 0, crc, len(packed), size)
        if one.header is None:
            body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, *middle, len(local), 0) + local + packed
        made = one.system << 8 | 20
        lengths = (len(one.name), len(one.extra), 0)
        directory += struct.pack("<4s6H3L", b"PK\1\2", made, 20, *middle)
        directory += struct.pack("<5H2L", *lengths, 0, 0, one.attributes, header) + one.name + one.extra
    total = len(members) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", disk, 0, total, total, len(directory), len(body), len(comment))
    return bytes(body + directory) + end + comment + behind


def pack(files, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def read(data):
    """All that the gate asks of an artifact."""
    artifact = Artifact.open(data, "Build")
    artifact.folder("dags", "")
    return artifact.digests("dags")


@contextmanager
def cheaply(seconds=1.0, memory=8 * MIB):
    """Bound the CPU time, and the memory on top of what is there already."""
    began = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < seconds
    assert peak < memory


def refused(data, says, ask=read):
    with pytest.raises(UsageError) as caught:
        ask(data)
    assert says in caught.value.message
    assert "the artifact Build" in caught.value.message
    assert caught.value.advice.endswith(".")
    return caught.value


def test_a_forged_archive_without_a_trick_is_read():
    data = forge(Raw(b"dags/a.py"), Raw(b"dags/b.py", method=0), comment=b"a commit")
    assert [(one.name, one.size) for one in read(data)] == [("a.py", len(DAG)), ("b.py", len(DAG))]


@pytest.mark.parametrize(
    "data", [b"", b"x", b"<?xml version='1.0'?><Error/>", b"\x1f\x8b\x08" + bytes(99), bytes(99)]
)
def test_what_is_no_zip_archive_is_told(data):
    refused(data, "is no zip archive")


@pytest.mark.parametrize("left", [4, 40, 100, 0.5, -1, -10, -22, -30])
def test_an_archive_that_is_cut_off_is_told(left):
    data = pack({f"dags/{at}.py": DAG for at in range(9)})
    refused(data[: left if isinstance(left, int) else int(left * len(data))], "is damaged: it is cut off")


def test_an_archive_that_ends_with_another_one_is_cut_off_where_that_ends():
    inner = pack({"a.py": DAG})
    data = pack({"dags/inner.zip": inner, "dags/z.py": DAG}, zipfile.ZIP_STORED)
    refused(data[: data.index(inner) + len(inner)], "is damaged: it is cut off")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"junk" + pack({"dags/a.py": DAG}), "put together from pieces"),
        (forge(Raw(b"dags/a.py"), behind=b"junk"), "something was added"),
        (forge(Raw(b"dags/a.py"), count=2), "says that it holds 2 files, and lists 1"),
        (forge(Raw(b"dags/a.py"), Raw(b"dags/b.py"), count=1), "says that it holds 1 files, and lists 2"),
        (forge(Raw(b"dags/a.py"), disk=1), "one part of an archive in parts"),
        (forge(Raw(b"dags/a.py", local_name=b"dags/b.py")), "is not where its list of files says"),
        (forge(Raw(b"dags/a.py", header=7)), "is not where its list of files says"),
        (forge(Raw(b"dags/a.py", header=1 << 31)), "lies outside of it"),
        (forge(Raw(b"dags/\xff.py")), "is not UTF-8"),
        (forge(Raw(b"dags/" + b"a" * 1_020)), "whose name is 1,025 bytes long"),
    ],
)
def test_a_list_of_files_that_is_none_is_told(data, says):
    refused(data, says)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("name", ["dags/a.py", "dags/data.bin", "dags/.airflowignore"])
def test_a_file_whose_bytes_changed_is_told(name, method):
    refused(forge(Raw(name.encode(), crc=1, method=method)), f"{name!r} in the artifact Build is damaged")


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (Raw(b"dags/a.py", size=3), "holds more than the 3 bytes"),
        (Raw(b"dags/a.py", size=99), "not those that were packed"),
        (Raw(b"dags/a.py", size=0), "holds more than the 0 bytes"),
        (Raw(b"dags/a.py", method=0, size=3), "not those that were packed"),
        (Raw(b"dags/a.py", packed=deflated(DAG)[:-5]), "end too early"),
        (Raw(b"dags/a.py", packed=b""), "end too early"),
        (Raw(b"dags/a.py", packed=deflated(DAG) + b"x"), "something else follows"),
        (Raw(b"dags/a.py", packed=b"\xff" * 9), "not those that were packed"),
        (Raw(b"dags/a.py", flags=UTF_8 | 1), "is encrypted"),
        (Raw(b"dags/a.py", flags=UTF_8 | 0x41), "is encrypted"),
        (Raw(b"dags/a.py", method=12), "packed by method 12"),
        (Raw(b"dags/a.py", method=14), "packed by method 14"),
        (Raw(b"dags/a.py", method=99), "packed by method 99"),
        (Raw(b"dags/a.py", attributes=LINK), "is a symbolic link"),
        (Raw(b"dags/lib", attributes=LINK), "is a symbolic link"),
        (Raw(b"dags/a.py", attributes=PIPE), "is neither a plain file nor a folder"),
        (Raw(b"dags/\x82.py", flags=0), "has a name in an encoding that the archive does not tell"),
        (
            Raw("dags/é.py".encode(), flags=0, system=0),
            "has a name in an encoding that the archive does not tell",
        ),
    ],
)
def test_a_file_that_cannot_be_known_is_refused_among_the_dag_files_and_only_there(member, says):
    told = refused(forge(member), says)
    assert "'dags/" in told.message
    refused(forge(member), says, lambda data: Artifact.open(data, "Build").digests("dags"))
    elsewhere = forge(member, Raw(b"src/a.py"))
    assert Artifact.open(elsewhere, "Build").folder("src", "").files[0].text == DAG.decode()


def test_a_manifest_that_is_a_link_is_refused():
    data = forge(Raw(b"gate.yaml", attributes=LINK))
    refused(data, "is a symbolic link", lambda data: Artifact.open(data, "Build").read("gate.yaml", 999))


def test_a_dags_folder_that_is_a_link_is_refused():
    refused(forge(Raw(b"dags", attributes=LINK)), "'dags' in the artifact Build is a symbolic link")


@pytest.mark.parametrize("system", [3, 19])
def test_a_name_that_unix_stored_is_that_name(system):
    assert [one.name for one in read(forge(Raw("dags/é.py".encode(), flags=0, system=system)))] == ["é.py"]


def test_a_name_that_info_zip_stored_beside_another_is_that_name():
    path = struct.pack("<BL", 1, zlib.crc32(b"dags/?\xff")) + "dags/é.py".encode()
    extra = struct.pack("<2H", 0x7075, len(path)) + path
    assert [one.name for one in read(forge(Raw(b"dags/?\xff", flags=0, system=0, extra=extra)))] == ["é.py"]


@pytest.mark.parametrize(
    "name",
    [
        b"/etc/passwd",
        b"../x.py",
        b"dags/../../x.py",
        b"dags/..",
        b"dags/./a.py",
        b"dags//a.py",
        b"dags\\a.py",
        b"dags/a\0.py",
        b"C:/x.py",
        b"c:x.py",
        b"./c:x.py",
        b".//x.py",
        b"dags/.",
        b"",
        b".",
        b"..",
        b"../",
        b"/",
        b"//server/x.py",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_with_the_name(name):
    told = refused(forge(Raw(b"dags/a.py"), Raw(name)), "which is no path inside of it")
    assert repr(name.decode()) in told.message


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["dags/a.py", "dags/a.py"], "'dags/a.py' twice"),
        (["dags/a.py", "./dags/a.py"], "'dags/a.py' twice"),
        (["other/a", "other/a"], "'other/a' twice"),
        (["dags/a", "dags/a/b.py"], "'dags/a' as a file and as a folder"),
        (["dags/a/b/c.py", "dags/a"], "'dags/a' as a file and as a folder"),
        (["dags/a", "dags/a/"], "'dags/a' as a file and as a folder"),
        (["dags", "dags/a.py"], "'dags' as a file and as a folder"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(names, says):
    told = refused(forge(*(Raw(name.encode()) for name in names)), says)
    assert "what is deployed is not known" in told.message


def test_a_link_that_files_shall_be_written_through_is_refused():
    data = forge(Raw(b"dags/lib", b"/etc", attributes=LINK), Raw(b"dags/lib/x.py"))
    refused(data, "'dags/lib' as a file and as a folder")


def test_a_folder_that_is_listed_twice_is_one():
    data = forge(Raw(b"dags/", b"", method=0), Raw(b"dags/", b"", method=0), Raw(b"dags/a.py"))
    assert [one.name for one in read(data)] == ["a.py"]


def test_a_hostile_name_is_told_in_quotes_and_short():
    name = b"dags/\x1b[31m\n::error::" + b"x" * 900 + b"/../a.py"
    told = refused(forge(Raw(name)), "which is no path")
    assert told.message.isprintable()
    assert len(told.message) < 400


def test_members_that_lie_over_one_another_are_refused_soon():
    packed = deflated(bytes(20 * MIB))
    first = Raw(b"dags/a", packed=packed, size=20 * MIB)
    others = [Raw(b"dags/a", packed=packed, size=20 * MIB, header=0) for _ in range(2_000)]
    data = forge(first, *others)
    with cheaply():
        refused(data, "lies over something else")


def test_a_file_that_lies_over_the_list_of_files_is_refused():
    data = bytearray(forge(Raw(b"dags/a.py", method=0)))
    at = data.index(b"PK\1\2")
    data[at + 20 : at + 28] = struct.pack("<2L", len(DAG) + 1, len(DAG) + 1)
    refused(bytes(data), "lies over something else")


@pytest.mark.parametrize("claims", [bounds.SMALL + 1, 60 * MIB, 1000 * MIB, 0xFFFFFFFE])
def test_a_file_that_inflates_to_far_more_than_it_weighs_is_refused_before_it_is(claims):
    data = forge(Raw(b"dags/a.bin", packed=deflated(bytes(MIB)), size=claims))
    with cheaply(0.2, MIB):
        refused(data, "which no real file does" if claims <= bounds.MAX_FILE else "bytes large, and at most")


def test_a_bomb_that_claims_to_be_small_is_refused_while_it_inflates():
    data = forge(Raw(b"dags/a.bin", packed=deflated(bytes(100 * MIB)), size=1_000))
    with cheaply(0.5, MIB):
        refused(data, "holds more than the 1,000 bytes")


def test_a_file_in_zip64_that_claims_more_than_any_memory_is_refused():
    extra = struct.pack("<2HQ", 1, 8, 1 << 62)
    with cheaply(0.2, MIB):
        refused(
            forge(Raw(b"dags/a.py", size=0xFFFFFFFF, extra=extra)), "4,611,686,018,427,387,904 bytes large"
        )


def test_a_folder_that_inflates_to_too_much_is_refused_where_it_does(monkeypatch):
    monkeypatch.setattr("validator.serverless.artifact.MAX_INFLATED", 3 * MIB)
    files = {f"dags/{at}.csv": bytes(range(250)) * 4_000 for at in range(4)}
    with cheaply(2, 5 * MIB):
        refused(pack(files), "the folder dags of the artifact Build inflates to more than 3 MB")
    assert len(read(pack({name: files[name] for name in list(files)[:3]}))) == 3
    assert MAX_INFLATED == 256 * MIB


def test_what_nobody_asks_for_is_not_inflated():
    bomb = Raw(b"other/bomb", packed=deflated(bytes(100 * MIB)), size=100 * MIB)
    broken = Raw(b"other/broken.py", crc=1)
    data = forge(Raw(b"gate.yaml", b"version: 1"), Raw(b"dags/a.py"), bomb, broken)
    with cheaply(0.5):
        assert [one.name for one in read(data)] == ["a.py"]
        assert Artifact.open(data, "Build").read("gate.yaml", 99) == b"version: 1"


def test_an_artifact_larger_than_memory_allows_is_refused(monkeypatch):
    data = pack({"dags/a.py": DAG})
    monkeypatch.setattr(bounds, "MAX_ARCHIVE", len(data) - 1)
    refused(data, "at most 0 MB are read")


def many(count, name):
    """The end of an archive that lists `count` files of no bytes."""
    return forge(*(Raw(name(at), b"", method=0) for at in range(count)))


def test_more_files_than_may_be_listed_are_refused_soon(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_MEMBERS", 1_000)
    fits, larger = many(1_000, lambda at: b"dags/%d" % at), many(1_001, lambda at: b"dags/%d" % at)
    assert len(read(fits)) == 1_000
    with cheaply(0.2, MIB):
        refused(larger, "at most 1,000 files")
    lying = forge(*(Raw(b"dags/%d" % at, b"") for at in range(2_000)), count=5)
    refused(lying, "is damaged")


def test_a_list_of_files_that_is_too_long_is_refused_soon(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_DIRECTORY", 10_000)
    with cheaply(0.2, MIB):
        refused(many(100, lambda at: b"dags/%d" % at + b"x" * 900), "at most 100,000 files in 10,000 bytes")


def test_folders_that_names_imply_count_too():
    data = many(400, lambda at: b"/".join([b"%d" % at, *[b"x"] * 400]))
    with cheaply(10, 200 * MIB):
        refused(data, "holds more than 100,000 files and folders")


def test_as_many_files_as_may_be_listed_are_read_in_a_few_seconds():
    data = many(60_000, lambda at: b"dags/some/folder/%d/name_%d.txt" % (at % 100, at))
    began = time.process_time()
    artifact = Artifact.open(data, "Build")
    assert artifact.folder("dags", "").files == ()
    assert time.process_time() - began < 15


def nested(count, data, method=zipfile.ZIP_DEFLATED):
    return pack({f"dag_{at}.py": data for at in range(count)}, method)


def test_archives_among_the_dag_files_that_inflate_to_too_much_are_refused():
    inner = nested(100, b"#" * (2 * MIB))
    data = pack({"dags/a.zip": inner, "dags/b.zip": inner})
    with cheaply(5, 16 * MIB):
        refused(data, "and the archives read before it hold more than 64 MB")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_among_the_dag_files_that_zipfile_would_unpack_without_a_bound_is_refused(method):
    data = pack({"dags/a.zip": nested(1, bytes(50 * MIB), method)})
    with cheaply(1, 4 * MIB):
        refused(data, "packed in a way that Python cannot import")


def test_an_archive_among_the_dag_files_that_lists_too_many_is_refused(monkeypatch):
    monkeypatch.setattr("validator.serverless.artifact.MAX_MEMBERS", 999)
    data = forge(Raw(b"dags/a.zip", pack({f"{at}": b"" for at in range(1_000)})))
    with cheaply(0.5):
        refused(data, "is an archive of more than 999 files")


@pytest.mark.parametrize("name", ["dags/a.py", "dags/a.zip"])
def test_a_python_file_that_takes_too_much_memory_to_parse_is_refused(name):
    source = b"airflow = 1  # dag\n" + b"x=1\n" * 200_000
    data = pack({name: source if name.endswith("py") else pack({"dag.py": source})})
    with cheaply(10):
        refused(data, "has 600,0")


def test_a_disk_has_no_such_bounds(tmp_path):
    from validator.local.scan import read_folder  # noqa: PLC0415 - the one test that reads a disk

    (tmp_path / "a.zip").write_bytes(nested(1, DAG, zipfile.ZIP_LZMA))
    assert read_folder(tmp_path).files[0].computes
    assert (limit.Effort().unpack, limit.Effort().tokens) == (None, None)


def answer(ask):
    """What it says, or how it is refused; whatever else is raised fails the test."""
    try:
        return ask()
    except UsageError as error:
        return error


@pytest.mark.parametrize("method", [0, 8])
def test_no_changed_byte_of_a_packed_file_passes(method):
    valid = forge(Raw(b"dags/a.py", method=method))
    expected = read(valid)
    begin = valid.index(b"dags/a.py") + len(b"dags/a.py")
    last = valid.index(b"PK\1\2") - 1
    for at in range(begin, last + 1):
        changed = valid[:at] + bytes([valid[at] ^ 0x10]) + valid[at + 1 :]
        if method == 8 and at == last and answer(lambda data=changed: read(data)) == expected:
            continue  # the last byte of deflated data has bits that mean nothing
        refused(changed, "'dags/a.py' in the artifact Build is damaged")
