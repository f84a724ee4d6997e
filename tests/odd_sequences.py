"""What Python could go through for ever: half a sequence."""


class Endless:
    """Has only __getitem__, as a dataset has that counts on its user to stop."""

    def __getitem__(self, index):
        return index


class Lying(Endless):
    """Says that it is longer than it is."""

    def __len__(self):
        return 10**9
