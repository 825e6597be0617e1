"""How a configuration names nodes, and what is refused."""

from types import SimpleNamespace

import pytest

from connectors.opcua.node_address import NodeAddress, field_of


def test_names_separated_by_slashes_are_a_browse_path_in_the_default_namespace() -> None:
    address = NodeAddress.parse("line3/PartCounter")
    assert address.qualified_path({}) == [(None, "line3"), (None, "PartCounter")]


def test_an_alias_chooses_the_namespace_of_a_step_and_another_colon_belongs_to_the_name() -> None:
    address = NodeAddress.parse("s7:PLC_1/Mode:Auto/s7:Counter")
    uri = "http://www.siemens.com/simatic-s7-opcua"
    assert address.qualified_path({"s7": uri}) == [(uri, "PLC_1"), (None, "Mode:Auto"), (uri, "Counter")]


def test_a_node_id_keeps_quotes_dots_and_slashes() -> None:
    assert NodeAddress.parse('s="Lineside"."Part/Id"').identifier == 's="Lineside"."Part/Id"'
    other = NodeAddress.parse("nsu=http://vendor.example/UA/;i=1234")
    assert (other.uri, other.identifier) == ("http://vendor.example/UA/", "i=1234")


def test_a_field_follows_two_colons() -> None:
    address = NodeAddress.parse("line3/Part::Recipe.Steps[2].Name")
    assert address.path == ("line3", "Part")
    assert address.field == ("Recipe", "Steps", 2, "Name")
    value = SimpleNamespace(Recipe=SimpleNamespace(Steps=[None, None, SimpleNamespace(Name="drill")]))
    assert field_of(value, address.field) == "drill"
    assert field_of(value, ("Recipe", "Steps", 3, "Name")) is None
    assert field_of(value, ("Other",)) is None


def test_colons_of_a_namespace_are_no_field() -> None:
    address = NodeAddress.parse("nsu=urn:a::b;s=tag")
    assert (address.uri, address.identifier, address.field) == ("urn:a::b", "s=tag", ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ns=3;s=tag", "a namespace's index may change; write nsu=<its URI>;s=tag"),
        ("nsu=urn:plant", "is no node id; write nsu=<URI>;s=<name>"),
        ("line3//Tag", "is no browse path"),
        ("", "is no browse path"),
        ("line3/Part::", "is no field"),
        ("line3/Part::a..b", "is no field"),
    ],
)
def test_what_is_no_address_is_refused_with_the_right_spelling(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        NodeAddress.parse(text)
