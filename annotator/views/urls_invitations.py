"""Routes of the pages of invitations."""

from django.urls import path

from annotator.views import invitations, members

urlpatterns = [
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("projects/<slug:slug>/members/invitations/", members.invitation_new, name="invitation_new"),
    path(
        "projects/<slug:slug>/members/invitations/<int:invitation_id>/withdraw/",
        members.invitation_withdraw,
        name="invitation_withdraw",
    ),
]
