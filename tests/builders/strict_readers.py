"""The JSON and the JUnit report, read as strictly as any reader does."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from lxml import etree

TESTS = Path(__file__).parents[1]
SCHEMA = jsonschema_rs.validator_for(
    json.loads((TESTS.parent / "docs" / "report.schema.json").read_text(encoding="utf-8"))
)
XSD = etree.XMLSchema(etree.parse(TESTS / "report" / "junit-10.xsd"))


def no_constant(name):
    pytest.fail(f"{name} is no JSON")


def strictly(data):
    """The parsed report, read as strictly as any reader does: no NaN, no lone surrogates, no double keys."""

    def pairs(items):
        assert len({key for key, _ in items}) == len(items)
        return dict(items)

    parsed = json.loads(data.decode("ascii"), parse_constant=no_constant, object_pairs_hook=pairs)
    json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def valid(data):
    """The document, once the Jenkins schema has taken it (without what readers want and it does not know)."""
    document = etree.fromstring(data)
    for case in document.iter("testcase"):
        case.attrib.pop("file", None)
        case.attrib.pop("line", None)
    XSD.assertValid(document)
    return etree.fromstring(data)
