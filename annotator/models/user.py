"""People who sign in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person. Leaving is `is_active = False`: whoever has read, imported or decided anything is never deleted."""
