"""What the pages of members and invitations send, checked for shape."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts

from annotator.models import Role
from annotator.services.invitations import DEFAULT_DAYS, MAX_DAYS


def _roles_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(choices=Role.choices, widget=forms.CheckboxSelectMultiple, initial=[Role.READER])


class MemberForm(forms.Form):
    """A user of this instance, by name, and their roles."""

    username = forms.CharField(max_length=150, label="User name")
    roles = _roles_field()


class InviteForm(forms.Form):
    """What an invitation is for."""

    for_whom = forms.CharField(
        max_length=200, required=False, label="For whom", help_text="A note for managers; the invited do not see it."
    )
    roles = _roles_field()
    days = forms.IntegerField(
        min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS, label="Holds for days", help_text=f"1 to {MAX_DAYS}."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "invite_%s", **kwargs})


class AccountForm(forms.Form):
    """A new account of somebody who was invited."""

    username = forms.CharField(
        max_length=150, label="User name", widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=" ".join(password_validators_help_texts()),
    )
    again = forms.CharField(
        strip=False,
        max_length=1000,
        label="Password again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """The two passwords are the same."""
        sent = super().clean() or {}
        if "again" in sent and sent.get("password") != sent["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return sent
