"""What runs inside the walls: it holds no expected value, no reference and no score.

The grader starts it in a process of its own, by path, without the rest of the package: imports in
here are relative or from outside of the package.
"""
