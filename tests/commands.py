"""The command `tfp-flows` in tests."""

from typer.testing import CliRunner

from tfp_flows.cli.app import app


def run(*arguments):
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def good(*arguments):
    """Runs a command that should succeed."""
    result = run(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result


def bad(*arguments):
    """The one sentence of a refused command."""
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]
