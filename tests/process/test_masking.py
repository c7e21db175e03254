"""No text that is shown or stored names a secret: not of a URI, a query, a header, a setting."""

import json
import shlex
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.process.masking import masked, masked_content, masked_file, masked_value, masked_values

SECRETS = (
    st.text("hush0 '\"/:%+=,()[]{}!$~ü", min_size=4, max_size=12)
    .map(lambda text: f"q7{text}7q")
    .filter(lambda text: "://" not in text)
)
"""Passwords of all kinds, which no other text has in it; what stands between q7 and 7q is theirs."""


def leaks(text: str, secret: str) -> bool:
    return any(each in text for each in (secret, "q7", "7q"))


@given(SECRETS, st.sampled_from(["postgresql+psycopg", "mysql", "https", "ftp"]), st.booleans())
@settings(deadline=None, max_examples=300)
def test_a_password_is_in_no_value_and_in_nothing_that_is_made_of_one(
    secret: str, scheme: str, is_encoded: bool
) -> None:
    uri = f"{scheme}://me:{quote(secret, safe='') if is_encoded else secret}@host:5/db?ssl=1"
    plain = {"tracking": {"uri": uri}, "data": {"roots": [uri]}}
    told = [
        masked_value(uri),
        masked_value(f"tracking.uri={uri}"),
        shlex.join(map(masked_value, ["a", f"+tracking.uri='{uri}'"])),
        json.dumps(masked_values(plain)),
        masked_content(".yaml", yaml.safe_dump(plain)),
        masked_content(".json", json.dumps(plain)),
        masked_content(".jsonl", json.dumps(plain) + "\n" + json.dumps(plain) + "\n"),
        masked(f"no such host: {secret!r} of {uri}, {secret}", uri),
    ]
    assert [text for text in told if leaks(text, secret)] == []
    assert told[0] == f"{scheme}://***@host:5/db?ssl=1"


@given(
    SECRETS,
    st.sampled_from(["password", "token", "sslpassword"]),
)
@settings(deadline=None, max_examples=200)
def test_a_secret_is_in_no_query(secret: str, name: str) -> None:
    for spelt in (secret, quote_plus(secret)):
        uri = f"https://host/db?a=1&{name}={spelt}&b=2"
        assert masked_value(uri) == f"https://host/db?a=1&{name}=***&b=2"
        assert not leaks(masked(f"{uri} does not answer ({secret!r})", uri), secret)
        assert not leaks(masked_content(".yaml", yaml.safe_dump({"data": {"root": uri}})), secret)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://me@corp:p@ss@host/x", "https://***@host/x"),
        ("postgresql://me:12/34@host/db", "postgresql://***@host/db"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("https://host/?user=me@x&password=a b'c&ssl=1", "https://host/?user=***&password=***&ssl=1"),
        ("sqlite:////tmp/a@b:c", "sqlite:////tmp/a@b:c"),
        ("data.root=s3://key:se/cret@bucket,ftp://u:v@h", "data.root=s3://***@bucket,ftp://***@h"),
        ("+data.password=hush", "+data.password=***"),
        ("data.source.api_key=hush", "data.source.api_key=***"),
        ("train.tokens=3", "train.tokens=3"),
        ("model.layers.l1.init.type=normal", "model.layers.l1.init.type=normal"),
        ("optim.lr=0.1", "optim.lr=0.1"),
    ],
)  # fmt: skip
def test_values_keep_all_that_is_no_secret(value: str, told: str) -> None:
    assert masked_value(value) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("GET /x?user=me&password=hush&ssl=1 failed", "GET /x?user=***&password=***&ssl=1 failed"),
        ("url: /?token=hu%20sh&x=1", "url: /?token=***&x=1"),
        ("to https%3A%2F%2Fme%3Ahush%40host%2Fx", "to https%3A%2F%2F***%40host%2Fx"),
        ("{'Authorization': 'Basic bWU6aHVzaA=='}", "{'Authorization': 'Basic ***'}"),
        ("a header Bearer hush.hush-hush", "a header Bearer ***"),
        ("MLFLOW_TRACKING_TOKEN=hush python x.py", "MLFLOW_TRACKING_TOKEN=*** python x.py"),
        ("TOKENIZERS_PARALLELISM=false", "TOKENIZERS_PARALLELISM=false"),
        ("https://host: not there, ask me@x.org", "https://host: not there, ask me@x.org"),
        ("postgresql://me:it's a/hush@host/db and more", "postgresql://***@host/db and more"),
        ("return f(token=token, password=password)", "return f(token=token, password=password)"),
    ],
)
def test_texts_keep_all_that_is_no_secret(text: str, told: str) -> None:
    assert masked(text) == told


def test_what_a_key_calls_a_secret_is_none_of_the_stores_business() -> None:
    given = {"data": {"type": "own", "password": 1234, "db_token": "hush", "key": "x", "sizes": [1, 2]}}
    told = {"data": {"type": "own", "password": "***", "db_token": "***", "key": "x", "sizes": [1, 2]}}
    assert masked_values(given) == told


def test_secrets_of_the_environment_are_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:it's%20hush@host/db")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hushhush")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "parallel")
    assert masked("password it's hush, it's%20hush; hushhush; parallel") == "password ***, ***; ***; parallel"
    assert masked_values({"a": {"b": "hushhush"}}) == {"a": {"b": "***"}}


def test_a_part_of_a_password_that_a_program_took_for_a_port_is_masked() -> None:
    uri = "postgresql://me:first@second:third@host/db"
    assert (
        masked("invalid literal for int(): 'third' of second", uri)
        == "invalid literal for int(): '***' of ***"
    )


def test_a_file_without_secrets_is_handed_on_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# a comment\na: https://me:hush@host\n")
    with masked_file(file) as handed:
        assert yaml.safe_load(handed.read_text()) == {"a": "https://***@host"}
    file.write_text("# a comment\na: 1\n")
    with masked_file(file) as handed:
        assert handed == file


@pytest.mark.parametrize("part", ["a:/b:", "http://x:y ", "x", "?a.b_", "://", "a-_."])
def test_a_long_text_takes_a_time_of_its_length(part: str) -> None:
    begun = time.perf_counter()
    masked(part * (100_000 // len(part)))
    assert time.perf_counter() - begun < 5
