"""Lesson: classifying images fast. Facts of notebooks/*_image_classification.ipynb."""

TITLE = "Classifying images fast"
STUDY_MINUTES = 75
NEEDS = ("11",)
DATA = ("fashion-mnist",)
FRAMEWORKS = ("pytorch", "keras")
