"""Routes of the pages that the server renders, except the reading page."""

from django.urls import path

from annotator.views import accounts, exports, health, images, imports, members, projects, schemas, worklist

urlpatterns = [
    path("health", health.health, name="health"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("logout/", accounts.Logout.as_view(), name="logout"),
    path("password/", accounts.PasswordChange.as_view(), name="password_change"),
    path("", projects.projects, name="projects"),
    path("projects/new/", projects.project_new, name="project_new"),
    path("projects/<slug:slug>/", worklist.worklist, name="worklist"),
    path("projects/<slug:slug>/imports/", imports.imports, name="imports"),
    path("projects/<slug:slug>/imports/<str:token>/", imports.import_preview, name="import_preview"),
    path("projects/<slug:slug>/imports/results/<int:import_id>/", imports.import_result, name="import_result"),
    path(
        "projects/<slug:slug>/imports/results/<int:import_id>/problems.csv",
        imports.import_problems,
        name="import_problems",
    ),
    path("projects/<slug:slug>/images/", images.images, name="images"),
    path("projects/<slug:slug>/images/results/<int:import_id>/", images.image_import, name="image_import"),
    path(
        "projects/<slug:slug>/images/results/<int:import_id>/problems.csv",
        images.image_problems,
        name="image_problems",
    ),
    path("projects/<slug:slug>/exports/", exports.exports, name="exports"),
    path("projects/<slug:slug>/exports/download", exports.export_download, name="export_download"),
    path("projects/<slug:slug>/schema/", schemas.schema, name="schema"),
    path("projects/<slug:slug>/schema.yaml", schemas.schema_yaml, name="schema_yaml"),
    path("projects/<slug:slug>/members/", members.members, name="members"),
]
