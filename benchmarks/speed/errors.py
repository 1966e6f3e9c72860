"""Bad input, which ends the command in one sentence."""


class InputError(ValueError):
    """Bad input from outside; the command prints the message alone and exits with status 2."""
