"""Modules that only show something, and do nothing behind the walls.

Submissions import them at the top or within a graded function, installed here or not. What
computes is never replaced: that would change the result.
"""

import builtins
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from typing import Any

# Bars, pictures, notebooks, helpers of hosts, downloads. Where there are real ones they may write,
# draw, start threads, or fail for want of a terminal.
_ALWAYS = (
    "tqdm", "IPython", "google.colab", "ipywidgets", "seaborn", "plotly", "wandb", "pydot",
    "pydotplus", "graphviz", "livelossplot", "gdown", "wget", "visualkeras", "memory_profiler",
    "line_profiler", "nbgrader", "pydrive", "pydrive2", "kaggle",
)  # fmt: skip
# Stood in for where they are not installed.
_ABSENT = ("tensorboard", "tensorboardX")


class Nothing:
    """Whatever is asked of it, it does nothing: it can be called, read, looped over and entered."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Returns a function or class, so that it may decorate one, else itself."""
        if len(given) == 1 and not named and isinstance(given[0], types.FunctionType | type):
            return given[0]
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Progress(Nothing):
    """A bar that is not drawn: it goes through what it is given."""

    def __init__(self, iterable: Any = None, *_: Any, **__: Any):
        self.iterable, self.n = () if iterable is None else iterable, 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)

    def __bool__(self) -> bool:
        return True

    @staticmethod
    def write(*_: Any, **__: Any) -> None:
        """Prints nothing."""


def _range(*bounds: int, **_: Any) -> Progress:
    return Progress(range(*bounds))


_BARS = {"tqdm": Progress, "tqdm_notebook": Progress, "trange": _range, "tnrange": _range}
_WITH_BARS = ("notebook", "auto", "autonotebook", "std", "asyncio", "rich", "gui")


class _Module(types.ModuleType):
    """A module that has every name, each of which does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__.partition(".")[0] == "tqdm":
            if name in _WITH_BARS:
                return importlib.import_module(f"{self.__name__}.{name}")
            return _BARS.get(name, Nothing())
        return Nothing()


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Module(spec.name)
        module.__path__ = []
        module.__all__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, names: tuple[str, ...]):
        self._names = names

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if any(name == own or name.startswith(f"{own}.") for own in self._names):
            return importlib.machinery.ModuleSpec(name, _Loader(), is_package=True)
        return None


class _Google(importlib.abc.MetaPathFinder):
    """Makes the package above `google.colab` where no other one has."""

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        known = name == "google"
        return importlib.machinery.ModuleSpec(name, _Loader(), is_package=True) if known else None


def set_up() -> None:
    """Makes these modules importable, and gives the names that every notebook has."""
    sys.meta_path.insert(0, _Finder(_ALWAYS))
    sys.meta_path += [_Finder(_ABSENT), _Google()]
    for name in ("display", "get_ipython"):
        setattr(builtins, name, Nothing())
