"""Lower bounds: every requirement has one, and the constraints made of them are those of each Python."""

from __future__ import annotations

import pytest

from tests.packaging.bounds import PYPROJECT, _requirements, lowest


def test_everything_users_install_has_a_lower_bound():
    unbound = [
        requirement.name
        for requirement in _requirements(PYPROJECT)
        if not requirement.extras and ">=" not in str(requirement.specifier)
    ]
    assert unbound == []


@pytest.mark.parametrize(("python", "numpy"), [("3.11", "1.26"), ("3.13", "2.1")])
def test_the_constraints_are_those_of_the_python(python, numpy):
    assert f"numpy=={numpy}" in lowest(python)
    assert any(line.startswith("typing-extensions==") for line in lowest(python)) is (python in ("3.11", "3.12"))


def test_the_highest_bound_counts(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\ndependencies = ["a>=1.2"]\n[project.optional-dependencies]\nx = ["a>=1.10", "b>=2"]\n')
    assert lowest("3.11", file) == ["a==1.10", "b==2"]
