"""What is said when an image is refused."""


class ImageRefused(ValueError):
    """One file is refused. The message says what was seen and expected, and holds no text of a patient.

    `code` is stable, in snake_case: docs/images.md lists what leads to each.
    """

    def __init__(self, message: str, *, code: str = "unreadable_image") -> None:
        super().__init__(message)
        self.code = code
