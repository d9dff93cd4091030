"""Signing in and out; accounts are made by an administrator, never by whoever comes along."""

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages.views import SuccessMessageMixin
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator


@method_decorator(login_not_required, name="dispatch")
class Login(auth.LoginView):
    """Name and password; django-axes slows down whoever guesses."""

    template_name = "annotator/login.html"
    redirect_authenticated_user = True


class Logout(auth.LogoutView):
    """End the session."""


class PasswordChange(SuccessMessageMixin, auth.PasswordChangeView):
    """A new password for oneself; other sessions of the user end."""

    template_name = "annotator/password_change.html"
    success_url = reverse_lazy("projects")
    success_message = "Your password is changed."
