"""Make accounts: closed sign-up, so only administrators call this."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from annotator.exceptions import UserError
from annotator.models import User


def create_user(*, username: str, password: str, is_staff: bool = False) -> User:
    """An account that can sign in; with `is_staff` it may make projects."""
    user = User(username=User.normalize_username(username), is_staff=is_staff)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise UserError(" ".join(error.messages)) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise UserError(f"there is a user {username!r} already") from error
    return user
