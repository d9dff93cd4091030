"""What goes wrong for a user rather than for a programmer."""


class UserError(Exception):
    """A message for the user: what was seen, what was expected, what to do about it. Holds no patient text."""
