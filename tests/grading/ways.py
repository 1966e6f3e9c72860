"""Ways to write the same code, as students do: what each gives back is the same in Python."""

import re
import textwrap
from pathlib import Path

from grading.notebooks import notebook


def _blocks(name):
    text = (Path(__file__).parent / name).read_text()
    parts = re.split(r"^## (\S+)\n", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


# Ways to fill the table F with a: 1, b: 2, c: 3.
TABLES = _blocks("tables.txt")


def _indented(text, by="    "):
    return textwrap.indent(text, by)


def _hidden(name, source):
    """The source with another name for what it defines."""
    return re.sub(rf"\b(def|class) {name}\b", rf"\1 _{name}", source)


def plain(name, source):
    return source


def annotated(name, source):
    """By names that nothing defines, and by the name itself."""
    source = re.sub(r"^def \w+\((\w+)", rf"\g<0>: Tensor | {name}", source, flags=re.M)
    return re.sub(r"^(\s+def \w+\(self)", rf"\1: {name}", source, flags=re.M)


def imported_for_types(name, source):
    head = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from somewhere import Tensor\n"
    return head + annotated(name, source)


def main(name, source):
    return f'if __name__ == "__main__":\n{_indented(source)}'


def tried(name, source):
    first = "try:\n    from my_own_module import forward as not_there\nexcept ImportError:\n"
    return f"{first}{_indented(source)}"


def version(name, source):
    return (
        "import sys\nif sys.version_info < (3, 0):\n    raise RuntimeError('too old')\n"
        f"else:\n{_indented(source)}"
    )


def decorated(name, source):
    return (
        "import functools\nDECORATED = []\n"
        "def noted(label):\n    def note(thing):\n        DECORATED.append((label, thing))\n"
        "        return thing\n    return note\n"
        f"def same(thing):\n    return thing\n@noted({name!r})\n@same\n{source}"
    )


def global_in_helper(name, source):
    return f"def make_{name}():\n    global {name}\n{_indented(source)}\nmake_{name}()\n"


def older_first(name, source):
    return f"def {name}(*_, **__):\n    raise ValueError('old')\nprint({name})\n{source}"


def renamed(name, source):
    return f"{_hidden(name, source)}\n{name} = _{name}\n"


def from_table(name, source):
    return (
        f"{_hidden(name, source)}\nPARTS = {{}}\nfor part in [_{name}]:\n"
        f"    PARTS[part.__name__] = part\n{name} = PARTS['_{name}']\n"
    )


def on_holder(name, source):
    return (
        f"class Holder:\n    pass\n{_hidden(name, source)}\n"
        f"setattr(Holder, {name!r}, staticmethod(_{name}))\n{name} = Holder.{name}\n"
    )


def within_with(name, source):
    return f"import warnings\nwith warnings.catch_warnings():\n{_indented(source)}"


def matched(name, source):
    return f"match 1:\n    case 1:\n{_indented(source, ' ' * 8)}\n    case _:\n        pass\n"


def by_globals(name, source):
    return f"{_hidden(name, source)}\nglobals()[{name!r}] = _{name}\n"


def in_text(name, source):
    return f"exec({source!r})\n"


def swapped(name, source):
    return f"{_hidden(name, source)}\n({name}, *rest), kept = (_{name}, 1), 2\n"


def assigned_inside(name, source):
    return f"{_hidden(name, source)}\nprint(({name} := _{name}).__name__)\n"


PIECES = [
    plain, annotated, imported_for_types, main, tried, version, decorated, global_in_helper,
    older_first, renamed, from_table, on_holder, within_with, matched, by_globals, in_text, swapped,
    assigned_inside,
]  # fmt: skip

# What stands first.
HEADS = {
    "nothing": "",
    "future": '"""Mine."""\nfrom __future__ import annotations\n',
    "brace": "{'author': 'me', 'week': 3}\n",
    "bracket": "['week', 3]\n",
    "imports": (
        "from tqdm.notebook import tqdm, trange\nfrom IPython.display import display\n"
        "import seaborn as sns\nfrom google.colab import drive\ndrive.mount('/content')\n"
        "sns.set()\n"
    ),
}

# What stands between, and must not be run, or does not matter.
NOISE = {
    "nothing": "",
    "training": "history = model.fit(np.load('x.npy'), epochs=9)\nplt.plot(history)\nplt.show()\n",
    "loop": "for step in range(10**12):\n    model.train_on_batch(next(data))\n",
    "broken": "def oops(:\n    pass\n",
    "shell": "!pip install tensorflow==2.1 \\\n    tfp\n%matplotlib inline\nmodel?\n",
    "text": 'NOTE = """\n!not a command\n%d items\n"""\nLINE = ("%s"\n        % 3)\n%time x = 1\n',
    "failing": "open('missing.csv').read()\nraise SystemExit\n",
    "names": "k = i = n = v = x = d = 1000\nsum = 3\ndel sum\n",
}

SUFFIXES = {
    "utf8": ".py", "bom": ".py", "utf16": ".py", "crlf": ".py", "cr": ".py", "latin": ".py",
    "tabs": ".py", "formfeed": ".py", "cells": ".ipynb", "misnamed": ".ipynb",
    "notebook_as_script": ".py",
}  # fmt: skip


def written(pieces, form):
    """The bytes of a file of pieces of code, and its name."""
    text = "\n\n".join(pieces)
    if form in ("cells", "notebook_as_script"):
        data = notebook(*pieces).encode()
    elif form == "utf16":
        data = text.encode("utf-16")
    elif form == "latin":
        data = f"# coding: latin-1\n# caf\u00e9\n{text}".encode("latin-1")
    else:
        text = {
            "crlf": text.replace("\n", "\r\n"),
            "cr": text.replace("\n", "\r"),
            "tabs": text.replace("    ", "\t"),
            "formfeed": text.replace("\n\n", "\n\f\n"),
        }.get(form, text)
        data = text.encode("utf-8-sig" if form == "bom" else "utf-8")
    return data, f"submission{SUFFIXES[form]}"
