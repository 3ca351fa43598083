"""What is written into repositories is read back as it was, by YAML 1.1 and by the reader of Helm and Kubernetes."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from manifests.yaml_text import document
from slipway_release.validation.reading import read

LOOK_ALIKES = [
    "12e5",
    "y",
    "n",
    "on",
    "0o17",
    "089",
    "0x1F",
    "1e3",
    "null",
    "true",
    "1:30",
    "2024-01-02",
    "1_000",
    "",
    "~",
]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    written = document({"config": {"VALUE": text, "LIST": [text]}, text: "key"})
    assert read(written).documents == [{"config": {"VALUE": text, "LIST": [text]}, text: "key"}]
    assert yaml.safe_load(written)["config"]["VALUE"] == text


@given(st.text("0123456789+-._eExXobByYnN:~", max_size=8))
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    written = document({"value": text})
    assert read(written).documents == [{"value": text}]
    assert yaml.safe_load(written) == {"value": text}
