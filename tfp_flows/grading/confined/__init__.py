"""What runs inside the walls: it holds no expected value and no score.

Of the reference it gets what stands in for other parts of a submission than the one being graded.
The grader starts it in a process of its own, by path, without the rest of the package: imports in
here are relative or from outside of the package.
"""
