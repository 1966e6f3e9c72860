"""The planted faults fit the code as it is."""

import shutil
from pathlib import Path

import pytest
from mutants.faults import FAULTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_text_stands_there_once(fault):
    text = (ROOT / "tfp_flows" / fault.path).read_text()
    assert text.count(fault.old) == 1
    assert compile(text.replace(fault.old, fault.new), fault.path, "exec")


def test_there_are_enough_of_them_and_their_tests_exist():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 24
    for fault in FAULTS:
        files = [word for word in fault.first if word.startswith("tests/")]
        assert files
        assert all((ROOT / path).exists() for path in files)


def test_a_text_that_is_gone_is_told(tmp_path):
    from tests.mutants.__main__ import plant

    fault = FAULTS[0]
    path = tmp_path / fault.path
    path.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tfp_flows" / fault.path, path)
    plant(fault, tmp_path)
    assert fault.new in path.read_text()
    with pytest.raises(ValueError, match="finds its text 0 times"):
        plant(fault, tmp_path)
