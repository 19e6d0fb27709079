import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from capture.lsl_config import VARIABLE, machine_only


def test_the_settings_name_this_machine_and_this_session():
    environment = machine_only("room-1")

    settings = configparser.ConfigParser()
    settings.read(environment[VARIABLE])
    assert settings["multicast"]["ResolveScope"] == "machine"
    assert settings["lab"]["SessionID"] == "room-1"
    assert int(settings["ports"]["PortRange"]) == 128


@pytest.mark.parametrize("name", ["", "a b", "a\nKnownPeers = {evil}", "a}"])
def test_a_session_id_that_would_change_other_settings_is_refused(name):
    with pytest.raises(ValueError, match="not a session id"):
        machine_only(name)


def test_settings_that_would_come_too_late_are_refused():
    code = (
        "import pylsl\n"
        "from capture.lsl_config import apply, machine_only\n"
        "apply(machine_only('late'))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert "before pylsl is loaded" in ended.stderr


def test_a_stream_of_another_session_is_not_seen(lsl_environment):
    import pylsl

    assert Path(lsl_environment[VARIABLE]).is_file()
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("mine", "T", 1, 0, "int8", "id"))
    code = (
        "from capture.lsl_config import apply, machine_only\n"
        "apply(machine_only('elsewhere'))\n"
        "import pylsl\n"
        "print(len(pylsl.resolve_byprop('name', 'mine', 1, 0.7)))\n"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert found.strip() == "0"
    assert outlet.get_info().name() == "mine"
