"""Lesson: a network from scratch. Facts of notebooks/*_network_from_scratch.ipynb."""

TITLE = "A network from scratch"
STUDY_MINUTES = 60
NEEDS = ()
DATA = ("digits",)
FRAMEWORKS = ("numpy", "pytorch", "keras", "tensorflow")
